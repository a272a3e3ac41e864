// SPDX-License-Identifier: Apache-2.0
//
// Recorded load: how often functions were called in each period of a stretch of time.
//
// Two forms of file are read. One function: "period,count", each line a UTC time and the calls
// until the next line's. Many functions: the form of the Azure Functions 2019 data set, a line for
// each function with its calls in each minute, and another file with their mean service times; in
// place of minutes the columns may be UTC times as in the other form.
// A file that is neither, or says what cannot be, is refused with its name, the line, and what to
// do. Bounded: counts and numbers of periods have limits. Pure but for reading files; any thread.
#pragma once

#include <dunlin/result.hpp>

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace dunlin::runtime::rehearsal {

struct traced_function {
    std::string name;
    std::size_t line = 0;               // of the file, from 1
    double service_ns = -1;             // mean; negative while unknown
    std::vector<std::uint32_t> counts;  // by period
};

struct trace {
    std::string name;
    /// Where periods begin, in ns since the first does, and where the last one ends.
    std::vector<std::int64_t> edges_ns;
    std::vector<traced_function> functions;

    [[nodiscard]] std::size_t periods() const noexcept { return edges_ns.size() - 1; }
    [[nodiscard]] std::int64_t length_ns() const noexcept { return edges_ns.back(); }
    [[nodiscard]] std::uint64_t calls() const noexcept;
};

/// More calls in a period are taken for a mistake.
inline constexpr std::uint32_t count_max = 100'000'000;
/// More lines or minutes are.
inline constexpr std::size_t periods_max = 10'000'000;
/// A single period longer than this is.
inline constexpr std::int64_t period_ns_max = std::int64_t{400} * 24 * 3600 * 1'000'000'000;

/// Neither is a trace longer than that.
inline constexpr std::int64_t trace_ns_max = std::int64_t{36'525} * 24 * 3600 * 1'000'000'000;

/// `name` is what errors call the file.
[[nodiscard]] result<trace> read_trace(std::istream& from, const std::string& name);
[[nodiscard]] result<trace> read_trace_file(const std::string& path);

/// Leaves one call in so many of each function, the last of each such number, so that a trace that
/// is replayed faster has the rate of the recorded one.
void keep_one_in(trace& of, std::uint64_t number);

/// Gives each function of a trace with many its mean service time. Refused if one has none.
[[nodiscard]] result<void> read_durations(std::istream& from, const std::string& name, trace& to);
[[nodiscard]] result<void> read_durations_file(const std::string& path, trace& to);

}  // namespace dunlin::runtime::rehearsal
