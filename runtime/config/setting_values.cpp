// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes the values of settings, by the type of their field.
#include "runtime/config/scale_fields.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/text/choices.hpp"
#include "runtime/text/quantity.hpp"
#include "runtime/text/suggest.hpp"

#include <cstdio>
#include <utility>

namespace dunlin::runtime {
namespace {

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};
template <class... F>
overloaded(F...) -> overloaded<F...>;

error refused(std::string why) { return {errc::invalid_argument, std::move(why)}; }

result<void> check_choice(const setting& what, const std::string& text) {
    const auto known = choices_in(what.placeholder);
    std::string list;
    for (const auto& choice : known) {
        if (choice == text) return {};
        list += (list.empty() ? "" : ", ") + choice;
    }
    if (known.empty()) return {};
    return refused("'" + text + "' is none of " + list + did_you_mean(text, known));
}

template <class Field>
result<void> put_number(settings& to, const Field& at, std::uint64_t number) {
    constexpr bool size = std::is_same_v<Field, size_field>;
    const auto text = [](std::uint64_t n) { return size ? format_size(n) : std::to_string(n); };
    if (number < at.least || number > at.most)
        return refused(text(number) + " is out of range; between " + text(at.least) + " and " +
                       text(at.most) + " is possible");
    at.of(to) = number;
    return {};
}

result<void> put_duration(settings& to, const duration_field& at, const std::string& text) {
    auto parsed = parse_duration(text);
    if (!parsed) return std::move(parsed.error());
    const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(*parsed);
    if (whole != *parsed) return refused(text + " is finer than one microsecond");
    if (whole < at.least || whole > at.most)
        return refused(text + " is out of range; between " + format_duration(at.least) + " and " +
                       format_duration(at.most) + " is possible");
    at.of(to) = whole;
    return {};
}

std::string in_quotes(std::string_view text) {
    std::string toml = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            (toml += '\\') += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04X", c);
            toml += escaped;
        } else {
            toml += c;
        }
    }
    return toml + '"';
}

}  // namespace

result<void> assign(settings& to, const setting& what, const std::vector<std::string>& texts) {
    const auto& text = texts.front();
    return std::visit(
        overloaded{
            [&](const text_field& at) -> result<void> {
                if (auto known = check_choice(what, text); !known) return known;
                if (at.check != nullptr)
                    if (auto good = at.check(text); !good) return good;
                at.of(to) = text;
                return {};
            },
            [&](const list_field& at) -> result<void> {
                if (at.check != nullptr)
                    for (const auto& item : texts)
                        if (auto good = at.check(item); !good) return good;
                at.of(to) = texts;
                return {};
            },
            [&](const switch_field& at) -> result<void> {
                if (text != "true" && text != "false")
                    return refused("'" + text + "' is neither true nor false");
                at.of(to) = text == "true";
                return {};
            },
            [&](const count_field& at) -> result<void> {
                auto number = parse_count(text);
                if (!number) return std::move(number.error());
                return put_number(to, at, *number);
            },
            [&](const size_field& at) -> result<void> {
                auto bytes = parse_size(text);
                if (!bytes) return std::move(bytes.error());
                return put_number(to, at, *bytes);
            },
            [&](const duration_field& at) -> result<void> { return put_duration(to, at, text); },
        },
        what.where);
}

result<void> assign_number(settings& to, const setting& what, std::int64_t number) {
    if (number < 0) return refused(std::to_string(number) + " is negative");
    const auto positive = static_cast<std::uint64_t>(number);
    if (const auto* count = std::get_if<count_field>(&what.where))
        return put_number(to, *count, positive);
    if (const auto* size = std::get_if<size_field>(&what.where))
        return put_number(to, *size, positive);
    return refused("expected " + std::string(expected_value(what)) + ", got the number " +
                   std::to_string(number));
}

std::string_view expected_value(const setting& what) {
    return std::visit(
        overloaded{
            [](const text_field&) -> std::string_view { return "a string"; },
            [](const list_field&) -> std::string_view { return "a list of strings"; },
            [](const switch_field&) -> std::string_view { return "true or false"; },
            [](const count_field&) -> std::string_view { return "a whole number"; },
            [](const size_field&) -> std::string_view {
                return "a number of bytes or a size such as \"16MiB\"";
            },
            [](const duration_field&) -> std::string_view { return "a duration such as \"10s\""; },
        },
        what.where);
}

std::string as_text(const settings& from, const setting& what) {
    auto& source = const_cast<settings&>(from);  // the fields are only read
    return std::visit(
        overloaded{
            [&](const text_field& at) { return at.of(source); },
            [&](const list_field& at) {
                std::string list;
                for (const auto& item : at.of(source)) list += (list.empty() ? "" : " ") + item;
                return list;
            },
            [&](const switch_field& at) -> std::string { return at.of(source) ? "true" : "false"; },
            [&](const count_field& at) { return std::to_string(at.of(source)); },
            [&](const size_field& at) { return format_size(at.of(source)); },
            [&](const duration_field& at) { return format_duration(at.of(source)); },
        },
        what.where);
}

std::string as_toml(const settings& from, const setting& what) {
    if (std::holds_alternative<switch_field>(what.where) ||
        std::holds_alternative<count_field>(what.where))
        return as_text(from, what);
    const auto* list = std::get_if<list_field>(&what.where);
    if (list == nullptr) return in_quotes(as_text(from, what));
    std::string items(1, '[');
    for (const auto& item : list->of(const_cast<settings&>(from))) {
        if (items.size() > 1) items += ", ";
        items += in_quotes(item);
    }
    return items + ']';
}

std::string print_config(const settings& from) {
    std::string text;
    std::string_view table;
    for (const auto& row : all_settings()) {
        if (row.table != table) {
            text += (table.empty() ? "[" : "\n[") + std::string(row.table) + "]\n";
            table = row.table;
        }
        text += "# " + std::string(row.help) + "\n";
        text += std::string(row.key) + " = " + as_toml(from, row) + "\n";
    }
    for (const auto& each : from.node.functions) {
        text += "\n[functions." + in_quotes(each.name) + "]\n";
        for (const auto& row : scale_rows()) {
            const auto number = number_of(each.scale, row.field);
            if (!number) continue;
            const auto value = value_text(row, *number);
            text += "# " + std::string(row.help) + "\n" + std::string(row.key) + " = " +
                    (row.kind == scale_kind::count ? value : in_quotes(value)) + "\n";
        }
    }
    return text;
}

}  // namespace dunlin::runtime
