// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/logging.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>

namespace dunlin::program {
namespace {

// The message as the inside of a JSON string; spdlog's own %v would let quotes break the line.
class json_message final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
                spdlog::memory_buf_t& to) override {
        for (const char c : std::string_view(message.payload.data(), message.payload.size())) {
            if (c == '"' || c == '\\') {
                to.push_back('\\');
                to.push_back(c);
            } else if (static_cast<unsigned char>(c) < 0x20) {
                char escaped[8];
                const int size = std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
                to.append(escaped, escaped + size);
            } else {
                to.push_back(c);
            }
        }
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<json_message>();
    }
};

std::unique_ptr<spdlog::pattern_formatter> formatter(std::string_view format) {
    auto made = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    made->add_flag<json_message>('*');
    made->set_pattern(format == "json"
                          ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","message":"%*"})"
                          : "%Y-%m-%dT%H:%M:%S.%eZ %l: %v");
    return made;
}

}  // namespace

void set_up_logging(const runtime::log_options& options) {
    auto logger = std::make_shared<spdlog::logger>(
        "dunlin", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_level(spdlog::level::from_str(options.level));
    logger->set_formatter(formatter(options.format));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace dunlin::program
