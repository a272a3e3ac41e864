// SPDX-License-Identifier: Apache-2.0
#include "runtime/calls/ledger.hpp"

#include "runtime/lane/peer.hpp"
#include "tests/support/catch.hpp"

#include <limits>
#include <set>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

class no_memory final : public actors::frame_memory {};

actors::bundle_ptr bundle_of(std::uint32_t size) {
    auto* memory = new no_memory;
    auto work = actors::bundle::create(size, *memory);
    memory->release();
    for (std::uint32_t i = 0; i < size; ++i) work->add().id = i + 1;
    return work;
}

}  // namespace

TEST_CASE("an address finds its call until it is answered, and never again") {
    caller asker(caller::kind::functions);
    ledger calls;
    auto& entry = calls.open(asker, 7);
    const auto address = entry.address();
    REQUIRE(calls.find(address) == &entry);
    CHECK(entry.call_id == 7);
    CHECK(calls.open_count() == 1);
    calls.close(entry);
    CHECK(calls.find(address) == nullptr);
    CHECK(calls.open_count() == 0);
    auto& next = calls.open(asker, 8);
    CHECK(next.slot == address.slot);  // the memory is used again
    CHECK(calls.find(address) == nullptr);
    CHECK(calls.find(next.address()) == &next);
}

TEST_CASE("an address that was never given out finds nothing") {
    ledger calls;
    CHECK(calls.find({0, 0}) == nullptr);
    CHECK(calls.find({4711, 0}) == nullptr);
    caller asker(caller::kind::functions);
    static_cast<void>(calls.open(asker, 1));
    CHECK(calls.find({200, 0}) == nullptr);
}

TEST_CASE("many open calls have distinct addresses") {
    caller asker(caller::kind::functions);
    ledger calls;
    std::set<std::uint32_t> slots;
    for (std::uint64_t id = 1; id <= 1000; ++id) slots.insert(calls.open(asker, id).slot);
    CHECK(slots.size() == 1000);
    CHECK(calls.open_count() == 1000);
    std::size_t visited = 0;
    calls.for_each_open([&](ledger_entry& entry) {
        ++visited;
        calls.close(entry);
    });
    CHECK(visited == 1000);
    CHECK(calls.open_count() == 0);
}

TEST_CASE("only calls that outlive their turn are settled, and each once") {
    caller asker(caller::kind::functions);
    ledger calls;
    auto& quick = calls.open(asker, 1);
    auto& slow = calls.open(asker, 2);
    calls.close(quick);
    std::vector<std::uint64_t> settled;
    const auto settle = [&](ledger_entry& entry) { settled.push_back(entry.call_id); };
    calls.settle_fresh(settle);
    CHECK(settled == std::vector<std::uint64_t>{2});
    calls.settle_fresh(settle);
    CHECK(settled.size() == 1);
    calls.close(slow);
}

TEST_CASE("closing a settled call takes it out of the wheel and lets its bundle go") {
    using time_point = support::timer_wheel::time_point;
    caller asker(caller::kind::functions);
    ledger calls;
    support::timer_wheel wheel{time_point{}};
    auto& entry = calls.open(asker, 1);
    auto work = bundle_of(1);
    entry.work = work.get();
    entry.keep = work;
    CHECK(entry.settled());
    CHECK(entry.invocation().id == 1);
    wheel.insert(entry, time_point(std::chrono::seconds(1)));
    CHECK(entry.armed());
    calls.close(entry);
    CHECK_FALSE(entry.armed());
    CHECK_FALSE(entry.settled());
    CHECK(wheel.next_deadline() == time_point::max());
}

TEST_CASE("what a flood of calls took is given back, and its addresses find nothing ever after") {
    constexpr std::int64_t second = 1'000'000'000;
    caller asker(caller::kind::functions);
    ledger calls;
    std::int64_t now_ns = 100 * second;
    calls.tend(now_ns);
    CHECK(calls.due_ns() == std::numeric_limits<std::int64_t>::max());
    std::vector<actors::answer_address> old;
    for (int i = 0; i < 50'000; ++i) old.push_back(calls.open(asker, 1).address());
    const auto& stays = *calls.find(old[20'000]);
    calls.tend(now_ns += 2 * second);
    const auto most = calls.made();
    CHECK(most >= 50'000);
    for (const auto address : old)
        if (auto* entry = calls.find(address); entry != &stays) calls.close(*entry);
    REQUIRE(calls.due_ns() <= now_ns + second);
    calls.tend(now_ns += second / 2);
    CHECK(calls.made() == most);  // they may come again
    for (int i = 0; i < 3; ++i) calls.tend(now_ns += second);
    CHECK(calls.made() < 6'000);
    CHECK(calls.open_count() == 1);
    CHECK(calls.find(old[20'000]) == &stays);
    std::size_t seen = 0;
    calls.for_each_open([&](ledger_entry&) { ++seen; });
    CHECK(seen == 1);
    for (const auto address : old)
        if (address != stays.address()) REQUIRE(calls.find(address) == nullptr);
    std::set<std::pair<std::uint32_t, std::uint32_t>> fresh;
    for (int i = 0; i < 50'000; ++i) {
        const auto address = calls.open(asker, 2).address();
        REQUIRE(fresh.emplace(address.slot, address.generation).second);
    }
    for (const auto address : old)
        if (address != stays.address()) REQUIRE(calls.find(address) == nullptr);
}
