// SPDX-License-Identifier: Apache-2.0
//
// Log lines of a function.
//
//     ctx.log().info("page counted", {{"words", 12}, {"url", page.url}});
//
// gives `page counted words=12 url=http://a.example`, or with `--log-format json` an object with
// these keys. The node adds the function and the call's id and decides where lines go. Control
// characters and bytes that are not UTF-8 are escaped, values with spaces or quotes are quoted: a
// line stays one line and can be taken apart again. A logger belongs to its context and thread.
#pragma once

#include <dunlin/abi.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace dunlin {

/// A named value in a log line.
class log_field {
public:
    log_field(std::string_view name, std::string_view value);
    log_field(std::string_view name, const char* value)
        : log_field(name, std::string_view(value)) {}
    log_field(std::string_view name, const std::string& value)
        : log_field(name, std::string_view(value)) {}
    log_field(std::string_view name, bool value);
    log_field(std::string_view name, double value);
    template <std::signed_integral T>
    log_field(std::string_view name, T value)
        : log_field(name, static_cast<std::int64_t>(value), signed_tag{}) {}
    template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>) log_field(std::string_view name, T value)
        : log_field(name, static_cast<std::uint64_t>(value), unsigned_tag{}) {}

    /// "name=value"
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    struct signed_tag {};
    struct unsigned_tag {};
    log_field(std::string_view name, std::int64_t value, signed_tag);
    log_field(std::string_view name, std::uint64_t value, unsigned_tag);

    std::string text_;
};

class logger {
public:
    logger(const dunlin_host* host, dunlin_call* call) noexcept : host_(host), call_(call) {}

    using fields = std::initializer_list<log_field>;
    void debug(std::string_view text, fields values = {}) const {
        line(DUNLIN_LOG_DEBUG, text, values);
    }
    void info(std::string_view text, fields values = {}) const {
        line(DUNLIN_LOG_INFO, text, values);
    }
    void warn(std::string_view text, fields values = {}) const {
        line(DUNLIN_LOG_WARN, text, values);
    }
    void error(std::string_view text, fields values = {}) const {
        line(DUNLIN_LOG_ERROR, text, values);
    }

private:
    void line(std::int32_t level, std::string_view text, fields values) const;

    const dunlin_host* host_;
    dunlin_call* call_;
};

}  // namespace dunlin
