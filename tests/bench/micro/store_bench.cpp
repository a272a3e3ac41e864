// SPDX-License-Identifier: Apache-2.0
//
// What a write costs the processor beside the sync of the disk, in batches of 512: the time of the
// thread that writes (CPU), and the time until a batch is on the disk (Time). For 64 keys that are
// written all the time, and for 1,000,000 of which each batch has others. With TMPDIR on a tmpfs,
// such as /dev/shm, a sync is next to nothing.
#include "runtime/store/rocks_store.hpp"
#include "tests/support/temporary_folder.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace dunlin;
using actors::state_read;
using actors::state_write;

// One store for all runs of a benchmark, which make their batches from what they have written.
class written_keys {
public:
    written_keys(std::uint32_t keys, std::size_t value_bytes, std::size_t known_versions)
        : value_(value_bytes, 'v'),
          versions_(keys) {
        runtime::store::rocks_settings settings;
        settings.directory = folder_.file("data");
        settings.known_versions = known_versions;
        store_ = runtime::store::open_rocks_store(std::move(settings)).value();
        space_ = store_->open_space("bench").value();
        for (std::uint32_t i = 0; i < keys; ++i) names_.push_back("visitor/" + std::to_string(i));
        std::vector<std::uint32_t> some;
        for (std::uint32_t i = 0; i < keys; ++i) {
            some.push_back(i);
            if (some.size() == 8192 || i + 1 == keys) {
                write(some);
                some.clear();
            }
        }
    }

    void write(const std::vector<std::uint32_t>& keys) {
        batch_.clear();
        for (const auto key : keys) {
            state_write one;
            one.space = space_;
            one.key = as_bytes(names_[key]);
            one.expected = versions_[key];
            one.version = ++versions_[key];
            one.value = as_bytes(value_);
            batch_.push_back(one);
        }
        store_->write(batch_).value();
        for (const auto& each : batch_)
            if (each.outcome != actors::write_outcome::written) std::abort();
    }
    void read(const std::vector<std::uint32_t>& keys) {
        reads_.resize(keys.size());
        for (std::size_t i = 0; i < keys.size(); ++i) {
            reads_[i].space = space_;
            reads_[i].key = as_bytes(names_[keys[i]]);
        }
        store_->read(reads_).value();
    }
    [[nodiscard]] std::uint32_t draw(std::mt19937& random) const {
        return static_cast<std::uint32_t>(random() % names_.size());
    }

private:
    tests::temporary_folder folder_;
    std::unique_ptr<actors::state_store> store_;
    std::uint32_t space_ = 0;
    const std::string value_;
    std::vector<std::string> names_;
    std::vector<std::uint64_t> versions_;
    std::vector<state_write> batch_;
    std::vector<state_read> reads_;
};

// Distinct ones, as in a batch each key is there once.
std::vector<std::uint32_t> draw_keys(const written_keys& keys, std::mt19937& random,
                                     std::size_t count) {
    std::vector<std::uint32_t> drawn;
    while (drawn.size() < count) {
        while (drawn.size() < count) drawn.push_back(keys.draw(random));
        std::sort(drawn.begin(), drawn.end());
        drawn.erase(std::unique(drawn.begin(), drawn.end()), drawn.end());
    }
    std::shuffle(drawn.begin(), drawn.end(), random);
    return drawn;
}

void store_write(benchmark::State& state) {
    const auto key_count = static_cast<std::uint32_t>(state.range(0));
    const auto batch = static_cast<std::size_t>(state.range(1));
    written_keys keys(key_count, 16, static_cast<std::size_t>(state.range(2)));
    std::mt19937 random(1);
    for (auto _ : state) {
        state.PauseTiming();
        const auto some = draw_keys(keys, random, batch);
        state.ResumeTiming();
        keys.write(some);
    }
    state.SetItemsProcessed(state.iterations() * state.range(1));
}
// Keys, writes in a batch, versions that are known without a lookup.
BENCHMARK(store_write)
    ->Args({64, 64, 1 << 20})
    ->Args({4096, 512, 1 << 20})
    ->Args({1'000'000, 512, 1 << 20})
    ->Args({1'000'000, 512, 1 << 22})
    ->Args({1'000'000, 512, 2})
    ->Iterations(3000)
    ->Unit(benchmark::kMicrosecond);

void store_read(benchmark::State& state) {
    written_keys keys(static_cast<std::uint32_t>(state.range(0)), 16, 1 << 20);
    std::mt19937 random(1);
    for (auto _ : state) {
        state.PauseTiming();
        const auto some = draw_keys(keys, random, 64);
        state.ResumeTiming();
        keys.read(some);
    }
    state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(store_read)->Arg(4096)->Arg(1'000'000)->Iterations(3000)->Unit(benchmark::kMicrosecond);

}  // namespace
