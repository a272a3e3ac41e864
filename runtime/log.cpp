// SPDX-License-Identifier: Apache-2.0
#include "runtime/log.hpp"

#include "support/log_text.hpp"

namespace dunlin::runtime {
namespace {

std::string_view cut(std::string_view text, std::size_t bytes_max) noexcept {
    return text.substr(0, bytes_max);  // half a character at the end is escaped like any stray byte
}

}  // namespace

void log_field::append_to(std::string& line) const {
    line += ' ';
    line += name_;
    line += '=';
    switch (is_) {
        case kind::literal: line += text_; return;
        case kind::positive: line += std::to_string(number_); return;
        case kind::negative: line += std::to_string(static_cast<std::int64_t>(number_)); return;
        case kind::text: break;
    }
    if (text_.size() <= log_value_bytes_max) return support::append_log_value(line, text_);
    support::append_log_value(line, std::string(cut(text_, log_value_bytes_max)) + "...");
}

void event_log::line(level severity, std::string_view text, fields values) const {
    auto* to = spdlog::default_logger_raw();
    if (!to->should_log(severity)) return;
    std::string whole;
    support::append_log_text(whole, cut(text, log_text_bytes_max));
    if (text.size() > log_text_bytes_max) whole += "...";
    for (const auto& each : values) each.append_to(whole);
    to->log(severity, spdlog::string_view_t(whole.data(), whole.size()));
}

log_counters& log_counted() noexcept {
    static log_counters counted;
    return counted;
}

}  // namespace dunlin::runtime
