// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_spaces.hpp"

namespace dunlin::program {

void add_gained(latency_buckets& to, const latency_buckets& before, const latency_buckets& now) {
    for (const auto& [upper_us, count] : now) {
        const auto then = before.find(upper_us);
        if (const auto more = grown(then == before.end() ? 0 : then->second, count))
            to[upper_us] += more;
    }
}

void add_now(top_space& to, const space_sample& now) {
    ++to.nodes;
    to.refused_by += now.refused ? 1 : 0;
    to.keys += now.keys;
    to.bytes += now.bytes;
    to.waiting += now.waiting;
}

void add_growth(top_space& to, const space_sample& before, const space_sample& now,
                double seconds) {
    const auto rate = [&](std::uint64_t space_sample::*count) {
        return static_cast<double>(grown(before.*count, now.*count)) / seconds;
    };
    to.found += grown(before.found, now.found);
    to.missed += grown(before.missed, now.missed);
    to.turns_rate += rate(&space_sample::turns);
    to.loads_rate += rate(&space_sample::loads);
    to.evicted_rate += rate(&space_sample::evicted);
    to.writes_rate += rate(&space_sample::writes);
    to.batches_rate += rate(&space_sample::batches);
    to.failures_rate += rate(&space_sample::failures);
    to.conflicts_rate += rate(&space_sample::conflicts);
    add_gained(to.gate, before.gate, now.gate);
}

}  // namespace dunlin::program
