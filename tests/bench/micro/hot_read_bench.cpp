// SPDX-License-Identifier: Apache-2.0
//
// What a turn costs that finds its state in memory, and what of it the state is: calls that come
// in bundles of 64, each for a key of its own, of a function that reads the value under its key and
// of one that has none. Everything between a lane and the answer is in it, on one thread and
// without sockets. `p50_ns` is the median over the bundles, for one call.
#include "tests/support/state_harness.hpp"

#include <dunlin/fields.hpp>
#include <dunlin/state.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace dunlin;
using namespace dunlin::testing;

struct small {
    std::uint64_t value = 0;
    DUNLIN_FIELDS(value)
    [[nodiscard]] static small filled() { return {7}; }
    [[nodiscard]] std::uint64_t look() const { return value; }
};

struct large {
    std::string text;
    DUNLIN_FIELDS(text)
    [[nodiscard]] static large filled() { return {std::string(64 * 1024, 'x')}; }
    // Both ends and the middle, as who looks something up in it would.
    [[nodiscard]] std::uint64_t look() const {
        return static_cast<std::uint64_t>(text.front() + text[text.size() / 2] + text.back());
    }
};

class counted_answers final : public actors::answer_port {
public:
    void answer_value(actors::answer_address /*to*/, actors::output_buffer& /*payload*/) override {
        ++values;
    }
    void answer_error(actors::answer_address /*to*/, error /*why*/) override { std::abort(); }
    std::size_t values = 0;
};

class key_texts final : public actors::frame_memory {
public:
    explicit key_texts(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) texts.push_back("key-" + std::to_string(i));
    }
    std::vector<std::string> texts;
};

constexpr std::uint32_t calls_in_a_bundle = 64;

/// A pool of one function, and bundles of calls for it.
class turns_under_test {
public:
    turns_under_test() : keys_(new key_texts(calls_in_a_bundle)) {}
    ~turns_under_test() { keys_->release(); }
    turns_under_test(const turns_under_test&) = delete;
    turns_under_test& operator=(const turns_under_test&) = delete;

    [[nodiscard]] actors::bundle_ptr bundle() {
        auto work = actors::bundle::create(calls_in_a_bundle, *keys_);
        for (std::uint32_t i = 0; i < calls_in_a_bundle; ++i) {
            auto& call = work->add();
            call.id = i + 1;
            call.key = as_bytes(keys_->texts[i]);
            call.origin = &answers;
            call.address = {i, 0};
        }
        return work;
    }
    [[nodiscard]] const std::vector<std::string>& keys() const { return keys_->texts; }

    /// @returns what the calls of each bundle took, sorted.
    [[nodiscard]] std::vector<std::int64_t> measure(benchmark::State& state, actors::pool& pool) {
        std::vector<std::int64_t> took_ns;
        for (auto _ : state) {
            state.PauseTiming();
            auto work = bundle();
            state.ResumeTiming();
            const auto before = answers.values;
            const auto began = std::chrono::steady_clock::now();
            harness.submit(pool, std::move(work));
            harness.run();
            took_ns.push_back((std::chrono::steady_clock::now() - began).count());
            if (answers.values != before + calls_in_a_bundle) std::abort();
        }
        std::sort(took_ns.begin(), took_ns.end());
        return took_ns;
    }

    actor_harness harness;
    counted_answers answers;

private:
    key_texts* keys_;
};

void report(benchmark::State& state, const std::vector<std::int64_t>& took_ns) {
    state.counters["p50_ns"] = static_cast<double>(took_ns[took_ns.size() / 2]) / calls_in_a_bundle;
    state.SetItemsProcessed(state.iterations() * calls_in_a_bundle);
}

void turn_without_state(benchmark::State& state) {
    turns_under_test turns;
    auto& pool = turns.harness.make_pool(
        turns.harness.function("bench/nothing",
                               [](const call_view& call) { return call.reply("1"); }),
        {.activations = 1, .queue_depth_max = 2 * calls_in_a_bundle});
    report(state, turns.measure(state, pool));
}
BENCHMARK(turn_without_state)->Iterations(20'000);

template <class State>
void turn_that_reads(benchmark::State& state) {
    turns_under_test turns;
    auto& harness = turns.harness;
    std::uint64_t seen = 0;
    auto info = harness.function("bench/read", [&seen](const call_view& call) {
        seen += (*static_cast<const std::optional<State>*>(call.host.state(call.call)))->look();
        return call.reply("1");
    });
    info.space = "read";
    info.state = &detail::state_type<State>();
    info.writes_state = false;
    manual_state values({&info});
    const bytes stored = encode(State::filled());
    for (const auto& key : turns.keys()) values.put("read", key, std::string(as_text(stored)));
    harness.state = &values;
    auto& pool =
        harness.make_pool(info, {.activations = 1, .queue_depth_max = 2 * calls_in_a_bundle});
    harness.submit(pool, turns.bundle());
    values.read();
    harness.run();
    if (turns.answers.values != calls_in_a_bundle) std::abort();
    report(state, turns.measure(state, pool));
    benchmark::DoNotOptimize(seen);
}
BENCHMARK_TEMPLATE(turn_that_reads, small)->Iterations(20'000);
BENCHMARK_TEMPLATE(turn_that_reads, large)->Iterations(20'000);

}  // namespace
