// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include "progress.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

namespace word_count {

namespace {

using ranked = std::vector<std::pair<std::string_view, std::uint64_t>>;

ranked most_frequent(const word_counts& words, std::size_t top) {
    ranked all(words.begin(), words.end());
    const std::size_t kept = top == 0 ? all.size() : std::min(top, all.size());
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(kept);
    std::partial_sort(all.begin(), middle, all.end(), [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    all.resize(kept);
    return all;
}

std::uint64_t word_total(const word_counts& words) {
    std::uint64_t total = 0;
    for (const auto& [word, count] : words) total += count;
    return total;
}

std::string fixed(double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

double megabytes_per_second(const tree_totals& totals) {
    const double seconds = totals.seconds.count();
    return seconds > 0 ? static_cast<double>(totals.calls.bytes) / 1e6 / seconds : 0;
}

std::string right(const std::string& text, std::size_t width) {
    return std::string(text.size() < width ? width - text.size() : 0, ' ') + text;
}

}  // namespace

std::string text_report(const tree_totals& totals, std::size_t top, std::size_t window) {
    const std::uint64_t all = word_total(totals.calls.words);
    std::string page;
    for (const auto& [word, count] : most_frequent(totals.calls.words, top)) {
        const double share = 100.0 * static_cast<double>(count) / static_cast<double>(all);
        page += right(grouped(count), 13) + right(fixed(share, 2), 7) + " %  ";
        page.append(word).append("\n");
    }
    if (all > 0) page += "\n";

    const auto line = [&page](std::string_view name, const std::string& value) {
        page.append(name).append(value).append("\n");
    };
    const double seconds = totals.seconds.count();
    line("words   ", grouped(all) + ", " + grouped(totals.calls.words.size()) + " different ones");
    line("files   ", grouped(totals.files) + ", " + megabytes(totals.calls.bytes) +
                         "; passed over: " + grouped(totals.binary) + " binary, " +
                         grouped(totals.unreadable) + " unreadable");
    line("calls   ", grouped(totals.calls.calls) + " to text/count_words, up to " +
                         grouped(window) + " in flight" +
                         (totals.calls.overloaded == 0
                              ? std::string()
                              : ", " + grouped(totals.calls.overloaded) + " tried again"));
    line("time    ", fixed(seconds, 2) + " s: " + grouped(per_second(totals.calls.calls, seconds)) +
                         " calls/s, " + fixed(megabytes_per_second(totals), 1) + " MB/s");
    return page;
}

std::string json_report(const tree_totals& totals, std::size_t top) {
    const double seconds = totals.seconds.count();
    std::string json = "{";
    const auto field = [&json](std::string_view name, const std::string& value) {
        json.append("\"").append(name).append("\": ").append(value).append(", ");
    };
    field("files", std::to_string(totals.files));
    field("binary", std::to_string(totals.binary));
    field("unreadable", std::to_string(totals.unreadable));
    field("bytes", std::to_string(totals.calls.bytes));
    field("words", std::to_string(word_total(totals.calls.words)));
    field("distinct", std::to_string(totals.calls.words.size()));
    field("calls", std::to_string(totals.calls.calls));
    field("overloaded", std::to_string(totals.calls.overloaded));
    field("seconds", fixed(seconds, 6));
    field("calls_per_second", std::to_string(per_second(totals.calls.calls, seconds)));
    field("megabytes_per_second", fixed(megabytes_per_second(totals), 3));

    // Words hold letters, digits and apostrophes: nothing in them has to be escaped.
    std::string list;
    for (const auto& [word, count] : most_frequent(totals.calls.words, top)) {
        if (!list.empty()) list += ", ";
        list.append("{\"word\": \"").append(word).append("\", \"count\": ");
        list += std::to_string(count) + "}";
    }
    return json + "\"top\": [" + list + "]}\n";
}

}  // namespace word_count
