// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/logging.hpp"

#include "runtime/program/log_writer.hpp"
#include "runtime/text/log_line.hpp"

#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace dunlin::program {
namespace {

std::string_view payload_of(const spdlog::details::log_msg& message) {
    return {message.payload.data(), message.payload.size()};
}

/// Levels as the option --log-level names them; spdlog's %l says "warning".
class level_name final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
                spdlog::memory_buf_t& to) override {
        const std::string_view name = of(message.level);
        to.append(name.data(), name.data() + name.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<level_name>();
    }

private:
    static std::string_view of(spdlog::level::level_enum level) {
        switch (level) {
            case spdlog::level::trace: return "trace";
            case spdlog::level::debug: return "debug";
            case spdlog::level::info: return "info";
            case spdlog::level::warn: return "warn";
            default: return "error";
        }
    }
};

class json_members final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
                spdlog::memory_buf_t& to) override {
        std::string members;
        runtime::append_log_json(members, payload_of(message));
        to.append(members.data(), members.data() + members.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<json_members>();
    }
};

std::unique_ptr<spdlog::pattern_formatter> make_formatter(std::string_view format) {
    auto made = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    made->add_flag<level_name>('*');
    made->add_flag<json_members>('&');
    made->set_pattern(format == "json" ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%*",%&})"
                                       : "%Y-%m-%dT%H:%M:%S.%eZ %*: %v");
    return made;
}

/// The line that stands where others are missing.
std::string about_dropped(spdlog::formatter& as, std::uint64_t lines) {
    const std::string text =
        "log lines were dropped, as nobody read them in time lines=" + std::to_string(lines);
    const spdlog::details::log_msg message("dunlin", spdlog::level::warn, text);
    spdlog::memory_buf_t line;
    as.format(message, line);
    return {line.data(), line.size()};
}

class stderr_sink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit stderr_sink(std::string_view format)
        : base_sink(make_formatter(format)),
          writer_(STDERR_FILENO, [as = std::shared_ptr<spdlog::formatter>(make_formatter(format))](
                                     std::uint64_t lines) { return about_dropped(*as, lines); }) {}

    [[nodiscard]] log_writer& writer() noexcept { return writer_; }

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        writer_.write({line.data(), line.size()});
    }
    void flush_() override {}  // see flush_log

    log_writer writer_;
};

std::atomic<const log_writer*> written_by{nullptr};

}  // namespace

void set_up_logging(const runtime::log_options& options) {
    // Never destroyed: a crash may want it while statics are already gone.
    static const auto& sink =
        *new std::shared_ptr<stderr_sink>(std::make_shared<stderr_sink>(options.format));
    written_by.store(&sink->writer());
    auto logger = std::make_shared<spdlog::logger>("dunlin", sink);
    logger->set_level(spdlog::level::from_str(options.level));
    spdlog::set_default_logger(std::move(logger));
}

bool flush_log(std::chrono::milliseconds at_most) noexcept {
    const auto* writer = written_by.load();
    return writer == nullptr || writer->drain(at_most);
}

}  // namespace dunlin::program
