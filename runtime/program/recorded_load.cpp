// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/recorded_load.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace dunlin::program {

void recorded_load::add_calls(const std::string& name, std::size_t first,
                              std::span<const std::uint32_t> counts) {
    auto& of = functions_[name].counts;
    if (of.size() < first + counts.size()) of.resize(first + counts.size());
    for (std::size_t i = 0; i < counts.size(); ++i) {
        of[first + i] += counts[i];
        calls_ += counts[i];
    }
}

void recorded_load::add_service(const std::string& name, std::uint64_t ended, double busy_ns) {
    auto& of = functions_[name];
    of.ended += ended;
    of.busy_ns += std::max(busy_ns, 0.0);
}

std::vector<std::string> recorded_load::functions() const {
    std::vector<std::string> names;
    for (const auto& [name, of] : functions_) names.push_back(name);
    return names;
}

runtime::rehearsal::trace recorded_load::made(const std::string& name, std::size_t periods,
                                              std::int64_t period_ns) const {
    using namespace runtime::rehearsal;
    trace load{name, {}, {}};
    for (std::size_t i = 0; i <= periods; ++i)
        load.edges_ns.push_back(static_cast<std::int64_t>(i) * period_ns);
    for (const auto& [function, of] : functions_) {
        std::vector<std::uint32_t> counts(periods);
        for (std::size_t i = 0; i < std::min(periods, of.counts.size()); ++i)
            counts[i] =
                static_cast<std::uint32_t>(std::min<std::uint64_t>(of.counts[i], count_max));
        const auto calls = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
        if (calls == 0) continue;
        const auto ran = static_cast<double>(of.ended > 0 ? of.ended : calls);
        // The line that it has in a file of the trace, below the head.
        load.functions.push_back(
            {function, load.functions.size() + 2, of.busy_ns / ran, std::move(counts)});
    }
    return load;
}

}  // namespace dunlin::program
