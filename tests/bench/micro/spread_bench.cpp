// SPDX-License-Identifier: Apache-2.0
//
// What one choice of a node costs: it is made for every call that a node or a client routes.
#include "cluster/spread.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace {

using namespace dunlin;

// Arguments: number of nodes, and whether the first one is the chooser's own.
void spread_choose(benchmark::State& state) {
    std::vector<cluster::candidate> nodes(static_cast<std::size_t>(state.range(0)));
    std::int64_t step_ns = 1'000'000;
    for (auto& node : nodes) {
        step_ns += 10'000;
        node.learn({.wait_ns = 2 * step_ns, .step_ns = step_ns, .idle = 0, .busy = 0.5F}, 0, 0);
        node.rtt_ns = 100'000;
    }
    nodes.front().local = state.range(1) != 0;
    cluster::spread choice(1);
    std::int64_t now_ns = 0;
    for (auto _ : state) {
        now_ns += 1'000;
        benchmark::DoNotOptimize(choice.choose(nodes, {}, now_ns));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(spread_choose)->ArgsProduct({{1, 3, 10, 64}, {0, 1}});

}  // namespace
