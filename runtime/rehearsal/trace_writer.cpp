// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/trace_writer.hpp"

#include "runtime/rehearsal/utc_time.hpp"

#include <numeric>
#include <string>
#include <string_view>

namespace dunlin::runtime::rehearsal {
namespace {

// Columns that the data set has and nobody reads: who owns the function, and in which application.
// A function's module is the nearest to that.
std::string owner_columns(const std::string& function) {
    return "dunlin," + function.substr(0, function.find('/')) + "," + function + ",";
}

}  // namespace

void write_trace(std::ostream& to, const trace& of, std::int64_t begin_unix_ns) {
    std::vector<std::int64_t> begins(of.edges_ns.begin(), of.edges_ns.end() - 1);
    if (begins.size() == 1) begins.push_back(of.edges_ns.back());
    const auto count_of = [](const traced_function& function, std::size_t period) {
        return period < function.counts.size() ? function.counts[period] : 0;
    };
    if (of.functions.size() == 1) {
        to << "period,count\n";
        for (std::size_t i = 0; i < begins.size(); ++i)
            to << format_utc(begin_unix_ns + begins[i]) << ',' << count_of(of.functions.front(), i)
               << '\n';
        return;
    }
    to << "HashOwner,HashApp,HashFunction,Trigger";
    for (const auto begin : begins) to << ',' << format_utc(begin_unix_ns + begin);
    for (const auto& function : of.functions) {
        to << '\n' << owner_columns(function.name) << "call";
        for (std::size_t i = 0; i < begins.size(); ++i) to << ',' << count_of(function, i);
    }
    to << '\n';
}

void write_durations(std::ostream& to, const trace& of) {
    to << "HashOwner,HashApp,HashFunction,Average,Count\n";
    for (const auto& function : of.functions) {
        if (function.service_ns < 0) continue;
        to << owner_columns(function.name) << function.service_ns / 1e6 << ','
           << std::accumulate(function.counts.begin(), function.counts.end(), std::uint64_t{0})
           << '\n';
    }
}

}  // namespace dunlin::runtime::rehearsal
