// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/log_line.hpp"

#include "runtime/text/json_payload.hpp"
#include "support/log_text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

namespace dunlin::runtime {
namespace {

constexpr std::size_t none = std::string_view::npos;

bool ends_name(char c) noexcept { return c == ' ' || c == '=' || c == '"' || c == '\\'; }

// For each place the closing quote of a value whose inside begins there. From the right, so that a
// line full of quotes is looked at once.
std::vector<std::size_t> closing_quotes(std::string_view line) {
    std::vector<std::size_t> closes(line.size() + 2, none);
    for (auto i = line.size(); i-- > 0;) {
        if (line[i] == '"')
            closes[i] = i;
        else
            closes[i] = closes[i + (line[i] == '\\' ? 2 : 1)];
    }
    return closes;
}

// The end of the pair that begins at `at`, or none when there is no pair.
std::size_t end_of_pair(std::string_view line, std::size_t at,
                        const std::vector<std::size_t>& closes) {
    const auto name_begins = at;
    while (at < line.size() && !ends_name(line[at])) ++at;
    if (at == name_begins || at == line.size() || line[at] != '=') return none;
    if (++at < line.size() && line[at] == '"') {
        const auto closing = closes[at + 1];
        if (closing == none) return none;
        at = closing + 1;
    } else {
        const auto value_begins = at;
        while (at < line.size() && !ends_name(line[at])) ++at;
        if (at == value_begins) return none;
    }
    return at == line.size() || line[at] == ' ' ? at : none;
}

std::uint32_t hex_value(std::string_view digits) noexcept {
    std::uint32_t value = 0;
    for (const char c : digits)
        value = value * 16 + static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    return value;
}

bool are_hex(std::string_view digits) noexcept {
    return std::all_of(digits.begin(), digits.end(), [](char c) {
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
    });
}

void append_utf8(std::string& to, std::uint32_t point) {
    const auto byte = [&](std::uint32_t bits) { to += static_cast<char>(bits); };
    if (point < 0x80) return byte(point);
    if (point < 0x800) {
        byte(0xc0 | point >> 6);
    } else {
        byte(0xe0 | point >> 12);
        byte(0x80 | (point >> 6 & 0x3f));
    }
    byte(0x80 | (point & 0x3f));
}

// What stands between the quotes, before it was escaped. A byte that was no UTF-8 stays `\xff`.
std::string unescaped(std::string_view inside) {
    std::string text;
    for (std::size_t i = 0; i < inside.size(); ++i) {
        if (inside[i] != '\\' || i + 1 == inside.size()) {
            text += inside[i];
            continue;
        }
        const char what = inside[++i];
        const auto digits = inside.substr(i + 1, what == 'x' ? 2 : 4);
        if (what == 'n') {
            text += '\n';
        } else if (what == 'r') {
            text += '\r';
        } else if (what == 't') {
            text += '\t';
        } else if (what == 'u' && digits.size() == 4 && are_hex(digits)) {
            append_utf8(text, hex_value(digits));
            i += 4;
        } else if (what == 'x' && digits.size() == 2 && are_hex(digits) &&
                   hex_value(digits) < 0x80) {
            text += static_cast<char>(hex_value(digits));
            i += 2;
        } else {
            if (what != '"' && what != '\\') text += '\\';
            text += what;
        }
    }
    return text;
}

void append_value(std::string& to, std::string_view value) {
    if (value.front() == '"')
        append_json_string(to, unescaped(value.substr(1, value.size() - 2)));
    else if (value == "true" || value == "false" || support::is_json_number(value))
        to += value;
    else
        append_json_string(to, value);
}

bool is_taken(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 3> taken{"time", "level", "message"};
    return std::find(taken.begin(), taken.end(), name) != taken.end();
}

}  // namespace

log_line split_log_line(std::string_view line) {
    const auto closes = closing_quotes(line);
    // A place from which on everything is pairs. The first of them ends the sentence.
    std::vector<bool> pairs_follow(line.size() + 1);
    pairs_follow[line.size()] = true;
    std::size_t first = line.size();
    for (auto i = line.size(); i-- > 0;) {
        const bool may_begin = line[i] == ' ' || i == 0;
        if (!may_begin) continue;
        const auto end = end_of_pair(line, line[i] == ' ' ? i + 1 : i, closes);
        if (end == none || !pairs_follow[end]) continue;
        pairs_follow[i] = true;
        first = i;
    }
    log_line parts{line.substr(0, first), {}};
    for (auto at = first; at < line.size();) {
        if (line[at] == ' ') ++at;
        const auto end = end_of_pair(line, at, closes);
        const auto equals = line.find('=', at);
        parts.pairs.push_back(
            {line.substr(at, equals - at), line.substr(equals + 1, end - equals - 1)});
        at = end;
    }
    return parts;
}

void append_log_json(std::string& to, std::string_view line) {
    auto parts = split_log_line(line);
    to += R"("message":)";
    append_json_string(to, parts.message);
    std::vector<std::string> names(parts.pairs.size());  // empty: a later one has it
    std::set<std::string_view> seen;
    for (auto i = parts.pairs.size(); i-- > 0;) {
        std::string name(parts.pairs[i].name);
        if (is_taken(name)) name += '_';
        if (seen.find(name) != seen.end()) continue;
        names[i] = std::move(name);
        seen.insert(names[i]);
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i].empty()) continue;
        to += ',';
        append_json_string(to, names[i]);
        to += ':';
        append_value(to, parts.pairs[i].value);
    }
}

}  // namespace dunlin::runtime
