// SPDX-License-Identifier: Apache-2.0
#include "actors/bundle.hpp"

#include "tests/support/catch.hpp"

#include <cstdlib>
#include <latch>
#include <thread>
#include <type_traits>
#include <vector>

using namespace dunlin::actors;

static_assert(std::is_copy_constructible_v<bundle_ptr>);
static_assert(std::is_nothrow_move_constructible_v<bundle_ptr>);
static_assert(!std::is_copy_constructible_v<bundle>);

namespace {

class counted_memory final : public frame_memory {
public:
    explicit counted_memory(int& freed) : freed_(freed) {}

private:
    ~counted_memory() override { ++freed_; }
    int& freed_;
};

}  // namespace

TEST_CASE("a bundle's memory is freed when the last reference goes") {
    int freed = 0;
    auto* memory = new counted_memory(freed);
    auto first = bundle::create(2, *memory);
    auto second = bundle::create(1, *memory);
    memory->release();
    CHECK(freed == 0);
    auto copy = first;
    first = {};
    second = {};
    CHECK(freed == 0);
    copy = {};
    CHECK(freed == 1);
}

TEST_CASE("a bundle is filled up to its capacity and keeps what it was given") {
    int freed = 0;
    auto* memory = new counted_memory(freed);
    auto work = bundle::create(3, *memory);
    memory->release();
    CHECK(work->size() == 0);
    CHECK_FALSE(work->full());
    for (std::uint64_t id = 1; id <= 3; ++id) work->add().id = id;
    CHECK(work->full());
    CHECK((*work)[2].id == 3);
    work->truncate(1);
    CHECK(work->size() == 1);
    CHECK((*work)[0].id == 1);
}

TEST_CASE("references to a bundle may end on many threads") {
    constexpr int threads_max = 4;
    int freed = 0;
    auto* memory = new counted_memory(freed);
    {
        auto work = bundle::create(1, *memory);
        memory->release();
        std::latch start(threads_max);
        std::vector<std::thread> threads;
        for (int i = 0; i < threads_max; ++i)
            threads.emplace_back([&start, mine = work]() mutable {
                start.arrive_and_wait();
                for (int round = 0; round < 1000; ++round) {
                    const auto another = mine;  // NOLINT(performance-unnecessary-copy-*)
                    if (another->full()) std::abort();
                }
                mine = {};
            });
        work = {};
        for (auto& each : threads) each.join();
    }
    CHECK(freed == 1);
}
