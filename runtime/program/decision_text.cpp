// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/decision_text.hpp"

#include "runtime/program/progress.hpp"
#include "runtime/program/text_table.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <utility>

namespace dunlin::program {
namespace {

constexpr std::int64_t second_us = 1'000'000;

std::tm local_time(std::int64_t time_us) {
    const auto seconds = static_cast<std::time_t>(time_us / second_us);
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    return parts;
}

std::string time_of_day(std::int64_t time_us, std::int64_t now_us) {
    const auto at = local_time(time_us);
    const auto today = local_time(now_us);
    const bool same_day = at.tm_yday == today.tm_yday && at.tm_year == today.tm_year;
    std::array<char, 64> date{};
    std::strftime(date.data(), date.size(), same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &at);
    std::array<char, 16> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%03d",
                  static_cast<int>(time_us % second_us / 1000));
    return std::string(date.data()) + fraction.data();
}

std::string figure(double value) {
    if (std::abs(value) < 1e15 && std::trunc(value) == value) {
        const auto text = grouped(static_cast<unsigned long long>(std::abs(value)));
        return value < 0 ? "-" + text : text;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), std::abs(value) < 1e4 ? "%.3g" : "%.0f", value);
    return text.data();
}

std::string figure_of(const json& record, const char* key) {
    return figure(number_in(record, key));
}

/// "price_ms", 200 -> "price 200 ms".
std::string named_figure(const std::string& name, double value) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> units{
        {{"_per_s", " a second"},
         {"_ns", " ns"},
         {"_us", " us"},
         {"_ms", " ms"},
         {"_s", " s"},
         {"_percent", " %"},
         {"_bytes", " bytes"}}};
    std::string_view bare = name;
    std::string_view unit;
    for (const auto& [suffix, shown] : units) {
        if (!bare.ends_with(suffix)) continue;
        bare.remove_suffix(suffix.size());
        unit = shown;
        break;
    }
    std::string text = printable(bare);
    for (auto& c : text)
        if (c == '_') c = ' ';
    return text + " " + figure(value) + std::string(unit);
}

std::string ordinal(std::uint64_t number) {
    const auto tens = number % 100;
    const char* ending = "th";
    if (tens < 11 || tens > 13) {
        switch (number % 10) {
            case 1: ending = "st"; break;
            case 2: ending = "nd"; break;
            case 3: ending = "rd"; break;
            default: break;
        }
    }
    return grouped(number) + ending;
}

/// "one call", "5 calls"; `many` is the plural.
std::string counted(std::uint64_t amount, const std::string& many) {
    if (amount != 1) return grouped(amount) + " " + many;
    return "one " + (many.ends_with('s') ? many.substr(0, many.size() - 1) : many);
}

/// What was done, from "started" to the function's name and the numbers behind it.
std::string deed(const json& record) {
    const auto kind = text_in(record, "kind");
    const auto function = printable(text_in(record, "function"));
    const auto of = printable(text_in(record, "of"));
    const auto amount = count_in(record, "amount");
    const auto after = count_in(record, "after");
    const auto many = counted(amount, of);
    if (kind == "start")
        return amount == 1
                   ? "started the " + ordinal(after) + " activation of " + function
                   : "started " + many + " of " + function + ", the last one its " + ordinal(after);
    if (kind == "retire")
        return "retired " + many + " of " + function + ", " +
               (after == 0 ? "none left" : grouped(after) + " left");
    if (kind == "widen" || kind == "fold")
        return (kind == "widen" ? "widened " : "folded ") + function + " from " +
               figure_of(record, "before") + " to " + counted(after, of);
    if (kind == "refuse") return "refused " + many + " of " + function;
    if (kind == "shed") return "shed " + many + " of " + function + " that it had taken";
    if (kind == "stop") return "stopped taking calls of " + function;
    if (kind == "resume") return "takes calls of " + function + " again";
    if (kind == "lose") return "lost the store of " + function;
    if (kind == "regain") return "has the store of " + function + " again";
    if (kind == "set") {
        const bool told = number_in(record, "before") != number_in(record, "after");
        return "set the " + of + " of " + function +
               (told ? " from " + figure_of(record, "before") : "") + " to " +
               figure_of(record, "after");
    }
    return printable(kind) + " " + function + ": " + of + " from " + figure_of(record, "before") +
           " to " + figure_of(record, "after");
}

/// How long it took, when it is several decisions.
std::string span(const json& record) {
    const auto first = number_in(record, "time_us");
    const auto last = number_in(record, "last_us");
    const auto count = count_in(record, "count");
    if (count < 2) return "";
    return " within " + figure(std::max(std::ceil((last - first) / 1000), 1.0)) + " ms";
}

}  // namespace

std::string decision_sentence(const json& record, std::int64_t now_us) {
    const auto time_us = static_cast<std::int64_t>(number_in(record, "time_us"));
    std::string text = time_of_day(time_us, now_us) + " " + printable(text_in(record, "node")) +
                       " " + deed(record) + span(record) + ": " +
                       printable(text_in(record, "rule"));
    std::string inputs;
    if (const auto all = record.find("inputs"); all != record.end() && all->is_object())
        for (const auto& [name, value] : all->items())
            if (value.is_number())
                inputs += (inputs.empty() ? "" : ", ") + named_figure(name, value.get<double>());
    if (!inputs.empty()) text += " (" + inputs + ")";
    return text + "\n";
}

std::string utc_text(std::int64_t time_us) {
    const auto seconds = static_cast<std::time_t>(time_us / second_us);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 64> date{};
    std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::array<char, 16> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%06dZ",
                  static_cast<int>(time_us % second_us));
    return std::string(date.data()) + fraction.data();
}

}  // namespace dunlin::program
