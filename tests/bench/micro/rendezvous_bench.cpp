// SPDX-License-Identifier: Apache-2.0
//
// What mapping all partitions to members costs, done when a member joins or leaves; and finding
// the owner of a key, done for every keyed call.
#include "cluster/rendezvous.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace dunlin;

void rendezvous_map(benchmark::State& state) {
    std::vector<std::string> names;
    for (std::int64_t i = 0; i < state.range(0); ++i) names.push_back("node-" + std::to_string(i));
    const std::vector<std::string_view> views(names.begin(), names.end());
    for (auto _ : state) {
        const cluster::partition_map map(views);
        benchmark::DoNotOptimize(map.owner_of(0));
    }
}
BENCHMARK(rendezvous_map)->Arg(3)->Arg(10)->Arg(100)->Arg(1'000)->Unit(benchmark::kMicrosecond);

void rendezvous_owner(benchmark::State& state) {
    const std::vector<std::string_view> names{"a", "b", "c"};
    const cluster::partition_map map(names);
    const std::string key(static_cast<std::size_t>(state.range(0)), 'k');
    for (auto _ : state) benchmark::DoNotOptimize(map.owner(key));
}
BENCHMARK(rendezvous_owner)->Arg(8)->Arg(32)->Arg(255);

}  // namespace
