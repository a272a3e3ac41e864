// SPDX-License-Identifier: Apache-2.0
//
// The runtime's log: a short sentence and named values, quiet at info.
//
//     log().warn("member died", {{"node", name}, {"incarnation", incarnation}});
//
// gives `member died node=b incarnation=3`, or the same as a JSON object. Names and reasons come
// from peers and members, who may be hostile: a value is quoted and escaped where it has to be
// (support/log_text.hpp), so that a line stays one line and nobody writes another one's fields.
// That is why a line is not made with format strings, and why its sentence is a constant.
//
// It goes to spdlog's default logger, which the program sets up before anything logs; safe from any
// thread. The program's does not wait for who reads it. Payloads and keys never appear in it.
#pragma once

#include <spdlog/spdlog.h>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace dunlin::runtime {

/// A named value of a line. It views what it is made of, for the time of the call.
class log_field {
public:
    template <class Text>
    requires std::convertible_to<const Text&, std::string_view> log_field(std::string_view name,
                                                                          const Text& value)
        : name_(name),
          text_(value) {}
    log_field(std::string_view name, bool value) : log_field(name, literal(value)) {}
    template <std::signed_integral T>
    requires(!std::same_as<T, bool>) log_field(std::string_view name, T value)
        : name_(name),
          number_(static_cast<std::uint64_t>(static_cast<std::int64_t>(value))),
          is_(value < 0 ? kind::negative : kind::positive) {}
    template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>) log_field(std::string_view name, T value)
        : name_(name),
          number_(value),
          is_(kind::positive) {}

    /// Appends " name=value".
    void append_to(std::string& line) const;

private:
    enum class kind : std::uint8_t { text, literal, positive, negative };
    struct literal {
        explicit literal(bool value) : text(value ? "true" : "false") {}
        std::string_view text;
    };
    log_field(std::string_view name, literal value)
        : name_(name),
          text_(value.text),
          is_(kind::literal) {}

    std::string_view name_;
    std::string_view text_;
    std::uint64_t number_ = 0;
    kind is_ = kind::text;
};

class event_log {
public:
    using fields = std::initializer_list<log_field>;
    using level = spdlog::level::level_enum;

    void debug(std::string_view text, fields values = {}) const {
        line(level::debug, text, values);
    }
    void info(std::string_view text, fields values = {}) const { line(level::info, text, values); }
    void warn(std::string_view text, fields values = {}) const { line(level::warn, text, values); }
    void error(std::string_view text, fields values = {}) const { line(level::err, text, values); }
    /// `text` may be anybody's here; it is escaped, too.
    void line(level severity, std::string_view text, fields values = {}) const;
    void set_level(level least) const { spdlog::default_logger_raw()->set_level(least); }
};

[[nodiscard]] inline event_log log() noexcept { return {}; }

/// What the process's log has counted; told by dunlin/stats.
struct log_counters {
    std::atomic<std::uint64_t> lines_dropped{0};  // nobody read them in time
};
[[nodiscard]] log_counters& log_counted() noexcept;

/// Texts beyond these are cut, so that nobody fills the log with one line.
inline constexpr std::size_t log_text_bytes_max = 4096;
inline constexpr std::size_t log_value_bytes_max = 1024;

}  // namespace dunlin::runtime
