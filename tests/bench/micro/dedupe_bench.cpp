// SPDX-License-Identifier: Apache-2.0
//
// What remembering a call costs: begin and finish, with a window that is full of finished calls.
#include "cluster/dedupe_window.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string_view>

namespace {

using namespace dunlin;

void dedupe_begin_finish(benchmark::State& state) {
    cluster::dedupe_window window;
    const bytes reply(
        std::string_view("sixty-four bytes, as a small reply has them, more or less...."));
    std::uint64_t id = 0;
    for (auto _ : state) {
        const cluster::call_name name{1, ++id, 0};
        const auto begun = window.begin(name, static_cast<std::int64_t>(id));
        window.finish(begun.at, bytes(reply.view()), static_cast<std::int64_t>(id));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(dedupe_begin_finish);

}  // namespace
