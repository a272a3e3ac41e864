// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/text_table.hpp"

#include "support/log_text.hpp"
#include "support/utf8.hpp"

#include <algorithm>

namespace dunlin::program {
namespace {

constexpr std::size_t gap = 2;

bool is_continuation(char byte) noexcept { return (static_cast<unsigned char>(byte) >> 6) == 2; }

std::vector<std::size_t> widths_of(const std::vector<table_row>& rows, std::size_t columns) {
    std::vector<std::size_t> widths(columns);
    for (const auto& cells : rows)
        for (std::size_t i = 0; i < columns; ++i)
            widths[i] = std::max(widths[i], width_of(cells[i]));
    return widths;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string safe;
    while (!text.empty()) {
        const auto size = std::max<std::size_t>(support::character_bytes(text), 1);
        const auto character = text.substr(0, size);
        std::string shown;
        support::append_log_text(shown, character);
        safe += shown == character ? shown : "?";
        text.remove_prefix(size);
    }
    return safe;
}

std::size_t width_of(std::string_view text) noexcept {
    return text.size() -
           static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

std::string cut_to(std::string text, std::size_t width) {
    if (width_of(text) <= width) return text;
    constexpr std::string_view mark = "...";
    const std::size_t kept = width > mark.size() ? width - mark.size() : width;
    std::size_t end = 0;
    for (std::size_t seen = 0; end < text.size(); ++end)
        if (!is_continuation(text[end]) && ++seen > kept) break;
    text.resize(end);
    if (kept < width) text += mark;
    return text;
}

std::string laid_out(const std::vector<table_row>& rows, std::span<const align> columns) {
    const auto widths = widths_of(rows, columns.size());
    std::string text;
    for (const auto& cells : rows) {
        std::string line;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const std::size_t rest = widths[i] - width_of(cells[i]);
            if (columns[i] == align::right) line.append(rest, ' ');
            line += cells[i];
            if (columns[i] == align::left) line.append(rest, ' ');
            line.append(gap, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string laid_out_within(std::vector<table_row> rows, std::span<const align> columns,
                            std::size_t width) {
    const auto widths = widths_of(rows, columns.size());
    std::size_t shown = 0;
    for (std::size_t used = 0; shown < columns.size(); ++shown) {
        used += widths[shown] + (shown == 0 ? 0 : gap);
        if (used > width && shown > 0) break;
    }
    if (shown == 1)
        for (auto& cells : rows) cells[0] = cut_to(std::move(cells[0]), width);
    return laid_out(rows, columns.first(shown));
}

}  // namespace dunlin::program
