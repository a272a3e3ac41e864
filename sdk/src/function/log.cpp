// SPDX-License-Identifier: Apache-2.0
#include "support/log_text.hpp"

#include <dunlin/log.hpp>

#include <array>
#include <charconv>

namespace dunlin {
namespace {

template <class Number>
std::string digits_of(Number value) {
    std::array<char, 32> digits{};
    return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

// The name is the author's: `what happened` must not look like two fields.
std::string opened(std::string_view name) {
    std::string text;
    support::append_log_text(text, name);
    for (char& c : text)
        if (c == ' ' || c == '=' || c == '"' || c == '\\') c = '_';
    return text + '=';
}

}  // namespace

log_field::log_field(std::string_view name, std::string_view value) : text_(opened(name)) {
    support::append_log_value(text_, value);
}
log_field::log_field(std::string_view name, bool value)
    : text_(opened(name) + (value ? "true" : "false")) {}
log_field::log_field(std::string_view name, double value)
    : text_(opened(name) + digits_of(value)) {}
log_field::log_field(std::string_view name, std::int64_t value, signed_tag)
    : text_(opened(name) + digits_of(value)) {}
log_field::log_field(std::string_view name, std::uint64_t value, unsigned_tag)
    : text_(opened(name) + digits_of(value)) {}

void logger::line(std::int32_t level, std::string_view text, fields values) const {
    std::string whole;
    support::append_log_text(whole, text);
    for (const log_field& field : values) {
        if (!whole.empty()) whole += ' ';
        whole += field.text();
    }
    host_->log(call_, level, whole.data(), whole.size());
}

}  // namespace dunlin
