// SPDX-License-Identifier: Apache-2.0
#include <dunlin/log.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace dunlin {
namespace {

bool needs_quotes(std::string_view value) {
    return value.empty() || std::any_of(value.begin(), value.end(), [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return byte <= 0x20 || byte == 0x7f || c == '"' || c == '=' || c == '\\';
           });
}

void append_quoted(std::string& to, std::string_view value) {
    constexpr std::string_view digits = "0123456789abcdef";
    to += '"';
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            to += '\\';
            to += c;
        } else if (c == '\n') {
            to += "\\n";
        } else if (byte < 0x20 || byte == 0x7f) {
            to += "\\x";
            to += digits[byte >> 4];
            to += digits[byte & 15u];
        } else {
            to += c;
        }
    }
    to += '"';
}

template <class Number>
std::string digits_of(Number value) {
    std::array<char, 32> digits{};
    return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

}  // namespace

log_field::log_field(std::string_view name, std::string_view value) : text_(name) {
    text_ += '=';
    if (needs_quotes(value)) {
        append_quoted(text_, value);
    } else {
        text_ += value;
    }
}

log_field::log_field(std::string_view name, double value) : log_field(name, digits_of(value)) {}
log_field::log_field(std::string_view name, std::int64_t value, signed_tag)
    : log_field(name, digits_of(value)) {}
log_field::log_field(std::string_view name, std::uint64_t value, unsigned_tag)
    : log_field(name, digits_of(value)) {}

void logger::line(std::int32_t level, std::string_view text, fields values) const {
    if (values.size() == 0) return host_->log(call_, level, text.data(), text.size());
    std::string whole(text);
    for (const log_field& field : values) {
        if (!whole.empty()) whole += ' ';
        whole += field.text();
    }
    host_->log(call_, level, whole.data(), whole.size());
}

}  // namespace dunlin
