// SPDX-License-Identifier: Apache-2.0
//
// Feeds bytes to the reader of traces and of their durations.
//
// Method: up to the first line "--" the input is a trace, behind it durations. An error names the
// file and the code that the verb expects. What is accepted has times that ascend, a count for each
// period, and no function without a service time; a small one is replayed, and no call may be lost.
#include "runtime/rehearsal/rehearse.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

namespace {

using namespace dunlin;
using namespace dunlin::runtime::rehearsal;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "trace_fuzz: %s\n", what);
    std::abort();
}

void require_good(const error& why, const char* file) {
    require(why.code == errc::invalid_argument, "an unexpected code");
    require(why.detail.starts_with(file), "nobody knows where");
    require(why.detail.size() < 600, "an error without end");
}

void check_trace(const trace& load) {
    require(load.edges_ns.size() >= 2, "a trace without a period");
    for (std::size_t i = 1; i < load.edges_ns.size(); ++i)
        require(load.edges_ns[i - 1] < load.edges_ns[i], "time stands still");
    for (const auto& function : load.functions)
        require(function.counts.size() == load.periods(), "a period without a count");
}

void replay(trace load) {
    constexpr std::uint64_t calls_max = 2'000;
    constexpr std::int64_t length_max = 3'600'000'000'000;
    if (load.calls() > calls_max || load.length_ns() > length_max) return;
    for (auto& function : load.functions)
        if (function.service_ns < 0) function.service_ns = 1e6;
    for (const auto* policy : {"dunlin", "knative", "orleans:2", "fixed:1"}) {
        const auto made = rehearse(load, *parse_policy(policy), {}, [](double) { return true; });
        require(made.totals.waits().count() + made.totals.refused() == load.calls(),
                "a call is lost");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto end = text.find("--\n");
    std::istringstream from(text.substr(0, end));
    auto load = read_trace(from, "trace.csv");
    if (!load) {
        require_good(load.error(), "trace.csv:");
        return 0;
    }
    check_trace(*load);
    if (end != std::string::npos) {
        std::istringstream times(text.substr(end + 3));
        if (const auto read = read_durations(times, "times.csv", *load); !read) {
            require_good(read.error(), "times.csv:");
            return 0;
        }
        for (const auto& function : load->functions)
            require(function.service_ns >= 0 && function.service_ns <= 1e15, "no service time");
    }
    replay(std::move(*load));
    return 0;
}
