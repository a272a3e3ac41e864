// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/trace.hpp"

#include "runtime/rehearsal/utc_time.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace dunlin::runtime::rehearsal {
namespace {

constexpr std::int64_t minute_ns = 60'000'000'000;
constexpr std::string_view two_forms =
    "expected \"period,count\" for one function, or "
    "\"HashOwner,HashApp,HashFunction,Trigger,1,2,3,...\" for many";

// The lines of a file, cut at commas, and what is wrong with them.
class table {
public:
    table(std::istream& from, const std::string& name) : from_(from), name_(name) {}

    // False at the end. Lines that are blank are passed over.
    [[nodiscard]] bool next() {
        while (std::getline(from_, line_)) {
            ++number_;
            if (line_.ends_with('\r')) line_.pop_back();
            if (number_ == 1 && line_.starts_with("\xef\xbb\xbf")) line_.erase(0, 3);
            if (line_.empty()) continue;
            cut();
            return true;
        }
        return false;
    }
    [[nodiscard]] const std::vector<std::string_view>& cells() const noexcept { return cells_; }
    [[nodiscard]] std::size_t number() const noexcept { return number_; }

    [[nodiscard]] error refused(const std::string& why) const {
        return {errc::invalid_argument, name_ + ":" + std::to_string(number_) + ": " + why};
    }
    [[nodiscard]] error refused_whole(const std::string& why) const {
        return {errc::invalid_argument, name_ + ": " + why};
    }
    // What reading ended with, if not with the end of the file.
    [[nodiscard]] bool broken() const { return from_.bad(); }

private:
    void cut() {
        cells_.clear();
        std::string_view rest = line_;
        for (;;) {
            const auto comma = rest.find(',');
            cells_.push_back(rest.substr(0, comma));
            if (comma == std::string_view::npos) return;
            rest.remove_prefix(comma + 1);
        }
    }

    std::istream& from_;
    const std::string& name_;
    std::string line_;
    std::vector<std::string_view> cells_;
    std::size_t number_ = 0;
};

std::string in_quotes(std::string_view text) {
    constexpr std::size_t shown = 40;
    std::string cut(text.substr(0, shown));
    if (text.size() > shown) cut += "...";
    return "'" + cut + "'";
}

result<std::uint32_t> read_count(const table& of, std::string_view cell) {
    std::int64_t number = 0;
    const auto [end, why] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
    if (why == std::errc::result_out_of_range || (why == std::errc() && number > count_max))
        return of.refused("the count " + in_quotes(cell) + " is above " +
                          std::to_string(count_max) + "; cut the period into shorter ones");
    if (why != std::errc() || end != cell.data() + cell.size())
        return of.refused("the count " + in_quotes(cell) + " is no whole number");
    if (number < 0) return of.refused("the count " + in_quotes(cell) + " is negative");
    return static_cast<std::uint32_t>(number);
}

result<trace> read_one(table& lines, const std::string& name) {
    trace read{name, {}, {{"", 1, -1, {}}}};
    auto& counts = read.functions.front().counts;
    std::int64_t first_ns = 0;
    while (lines.next()) {
        const auto& cells = lines.cells();
        if (cells.size() != 2)
            return lines.refused("expected two columns, a UTC time and a count; there " +
                                 std::string(cells.size() == 1 ? "is 1" : "are ") +
                                 (cells.size() == 1 ? "" : std::to_string(cells.size())));
        const auto at = parse_utc(cells[0]);
        if (!at)
            return lines.refused(in_quotes(cells[0]) +
                                 " is no UTC time; write it as 1998-06-10 00:01:00");
        if (counts.empty()) first_ns = *at;
        const auto since = *at - first_ns;
        if (!counts.empty() && since <= read.edges_ns.back())
            return lines.refused("the time " + in_quotes(cells[0]) +
                                 " is not after the one before it; sort the lines by time, with "
                                 "one for each period");
        if (!counts.empty() && since - read.edges_ns.back() > period_ns_max)
            return lines.refused("the period before " + in_quotes(cells[0]) +
                                 " lasts more than 400 days; correct the time");
        if (since > trace_ns_max)
            return lines.refused("the trace is longer than a hundred years; correct the time " +
                                 in_quotes(cells[0]));
        const auto count = read_count(lines, cells[1]);
        if (!count) return count.error();
        if (counts.size() == periods_max)
            return lines.refused("more than " + std::to_string(periods_max) +
                                 " lines; cut the trace into several");
        read.edges_ns.push_back(since);
        counts.push_back(*count);
    }
    if (counts.empty()) return lines.refused_whole("the trace has no lines below its head");
    if (counts.size() == 1)
        return lines.refused_whole(
            "the trace has one line only, so that nothing says how long its period is; add the "
            "next period, with a count of 0 if there were no calls");
    // Nothing follows the last line, so its period is as long as the one before it.
    read.edges_ns.push_back(2 * read.edges_ns.back() - read.edges_ns[read.edges_ns.size() - 2]);
    return read;
}

constexpr std::size_t named_columns = 4;

result<std::vector<std::int64_t>> minute_edges(const table& head) {
    const auto& cells = head.cells();
    std::vector<std::int64_t> edges_ns{0};
    std::int64_t before = 0;
    for (std::size_t i = named_columns; i < cells.size(); ++i) {
        std::int64_t minute = 0;
        const auto* end = cells[i].data() + cells[i].size();
        const auto [at, why] = std::from_chars(cells[i].data(), end, minute);
        if (why != std::errc() || at != end)
            return head.refused("the column " + in_quotes(cells[i]) +
                                " is no number of a minute; the columns after Trigger are minutes, "
                                "or UTC times as 1998-06-10 00:01:00");
        if (i > named_columns && minute != before + 1)
            return head.refused("the minute " + in_quotes(cells[i]) + " follows the minute " +
                                std::to_string(before) +
                                "; the columns have to be sorted, without a gap");
        before = minute;
        edges_ns.push_back(edges_ns.back() + minute_ns);
    }
    return edges_ns;
}

result<std::vector<std::int64_t>> time_edges(const table& head) {
    const auto& cells = head.cells();
    if (cells.size() == named_columns + 1)
        return head.refused(
            "there is one column of counts only, so that nothing says how long its period is; add "
            "the next period, with counts of 0 if there were no calls");
    std::vector<std::int64_t> edges_ns;
    std::int64_t first_ns = 0;
    for (std::size_t i = named_columns; i < cells.size(); ++i) {
        const auto at = parse_utc(cells[i]);
        if (!at)
            return head.refused("the column " + in_quotes(cells[i]) +
                                " is no UTC time, and those before it are");
        if (edges_ns.empty()) first_ns = *at;
        const auto since = *at - first_ns;
        if (!edges_ns.empty() && since <= edges_ns.back())
            return head.refused("the time " + in_quotes(cells[i]) +
                                " is not after the one before it; sort the columns by time");
        if (since > trace_ns_max || (!edges_ns.empty() && since - edges_ns.back() > period_ns_max))
            return head.refused("the period before " + in_quotes(cells[i]) +
                                " is too long; correct the time");
        edges_ns.push_back(since);
    }
    edges_ns.push_back(2 * edges_ns.back() - edges_ns[edges_ns.size() - 2]);
    return edges_ns;
}

result<trace> read_many(table& lines, const std::string& name) {
    const auto periods = lines.cells().size() - named_columns;
    if (periods == 0 || periods > periods_max)
        return lines.refused("the head has " + std::to_string(periods) +
                             " columns of counts; between 1 and " + std::to_string(periods_max) +
                             " are possible");
    auto edges = parse_utc(lines.cells()[named_columns]) ? time_edges(lines) : minute_edges(lines);
    if (!edges) return edges.error();
    trace read{name, std::move(*edges), {}};
    std::unordered_map<std::string, std::size_t> seen;
    while (lines.next()) {
        const auto& cells = lines.cells();
        if (cells.size() != periods + named_columns)
            return lines.refused("there are " + std::to_string(cells.size()) +
                                 " columns where the head has " +
                                 std::to_string(periods + named_columns));
        traced_function function{std::string(cells[2]), lines.number(), -1, {}};
        if (function.name.empty()) return lines.refused("HashFunction is empty");
        const auto [known, added] = seen.try_emplace(function.name, lines.number());
        if (!added)
            return lines.refused("the function " + in_quotes(function.name) + " stands in line " +
                                 std::to_string(known->second) + " already; add up the two");
        function.counts.reserve(periods);
        for (std::size_t i = named_columns; i < cells.size(); ++i) {
            const auto count = read_count(lines, cells[i]);
            if (!count) return count.error();
            function.counts.push_back(*count);
        }
        read.functions.push_back(std::move(function));
    }
    if (read.functions.empty()) return lines.refused_whole("the trace has no lines below its head");
    return read;
}

std::optional<std::size_t> column(const table& head, std::string_view name) {
    const auto& cells = head.cells();
    const auto at = std::find(cells.begin(), cells.end(), name);
    if (at == cells.end()) return std::nullopt;
    return static_cast<std::size_t>(at - cells.begin());
}

template <class Read>
auto with_file(const std::string& path, Read read)
    -> decltype(read(std::declval<std::istream&>())) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored))
        return error{errc::invalid_argument, path + ": is a folder; name a file"};
    std::ifstream file(path, std::ios::binary);
    if (!file) return error{errc::invalid_argument, path + ": " + std::strerror(errno)};
    return read(file);
}

}  // namespace

std::uint64_t trace::calls() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& function : functions)
        sum = std::accumulate(function.counts.begin(), function.counts.end(), sum);
    return sum;
}

void keep_one_in(trace& of, std::uint64_t number) {
    for (auto& function : of.functions) {
        std::uint64_t passed = 0;
        for (auto& count : function.counts) {
            const auto before = passed / number;
            passed += count;
            count = static_cast<std::uint32_t>(passed / number - before);
        }
    }
}

result<trace> read_trace(std::istream& from, const std::string& name) {
    table lines(from, name);
    if (!lines.next()) return lines.refused_whole("the trace is empty; " + std::string(two_forms));
    const auto& head = lines.cells();
    const bool one = head.size() == 2 && head[0] == "period" && head[1] == "count";
    const bool many = head.size() >= named_columns && head[0] == "HashOwner" &&
                      head[1] == "HashApp" && head[2] == "HashFunction" && head[3] == "Trigger";
    if (!one && !many) return lines.refused("wrong columns; " + std::string(two_forms));
    auto read = one ? read_one(lines, name) : read_many(lines, name);
    if (read && lines.broken()) return lines.refused("cannot be read any further");
    return read;
}

result<trace> read_trace_file(const std::string& path) {
    return with_file(path, [&](std::istream& from) { return read_trace(from, path); });
}

result<void> read_durations(std::istream& from, const std::string& name, trace& to) {
    table lines(from, name);
    if (!lines.next()) return lines.refused_whole("the file of durations is empty");
    const auto names = column(lines, "HashFunction");
    const auto averages = column(lines, "Average");
    if (!names || !averages)
        return lines.refused(
            "wrong columns; expected HashFunction and Average (in milliseconds) among them");
    const auto columns = lines.cells().size();
    std::unordered_map<std::string, traced_function*> by_name;
    for (auto& function : to.functions) by_name.emplace(function.name, &function);
    while (lines.next()) {
        const auto& cells = lines.cells();
        if (cells.size() != columns)
            return lines.refused("there are " + std::to_string(cells.size()) +
                                 " columns where the head has " + std::to_string(columns));
        const auto found = by_name.find(std::string(cells[*names]));
        if (found == by_name.end()) continue;  // the data set names more functions than are called
        double milliseconds = 0;
        const auto* end = cells[*averages].data() + cells[*averages].size();
        const auto [at, why] = std::from_chars(cells[*averages].data(), end, milliseconds);
        if (why != std::errc() || at != end || !std::isfinite(milliseconds) || milliseconds < 0 ||
            milliseconds > 1e9)
            return lines.refused("the average " + in_quotes(cells[*averages]) +
                                 " is no time in milliseconds, between 0 and 10^9");
        found->second->service_ns = milliseconds * 1e6;
    }
    for (const auto& function : to.functions)
        if (function.service_ns < 0)
            return error{errc::invalid_argument,
                         name + ": no durations for the function " + in_quotes(function.name) +
                             " of " + to.name + ":" + std::to_string(function.line) +
                             "; add a line for it, or take it out of the trace"};
    return {};
}

result<void> read_durations_file(const std::string& path, trace& to) {
    return with_file(path, [&](std::istream& from) { return read_durations(from, path, to); });
}

}  // namespace dunlin::runtime::rehearsal
