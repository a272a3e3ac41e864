// SPDX-License-Identifier: Apache-2.0
//
// Who forgets when a dedupe window is full: whoever has most by the weight, and nobody else.
#include "cluster/dedupe_window.hpp"
#include "cluster/random.hpp"
#include "tests/support/catch.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

using namespace dunlin::cluster;
using dunlin::bytes;
using verdict = dedupe_window::verdict;

namespace {

constexpr std::int64_t second = 1'000'000'000;

bytes reply(std::size_t size) { return bytes(std::string(size, 'r')); }

/// A window with callers whose calls have consecutive ids.
struct shared_window {
    explicit shared_window(const dedupe_window::limits& bounds) : window(bounds, 7) {}

    static call_name name(std::uint64_t caller, std::uint64_t id) { return {caller, id, 0}; }

    dedupe_window::answer begin(window_share from, std::uint64_t id, std::int64_t now_ns = 0) {
        return window.begin(name(from.caller, id), now_ns, from);
    }
    void call(window_share from, std::uint64_t id, std::size_t reply_bytes = 10,
              std::int64_t now_ns = 0) {
        const auto begun = begin(from, id, now_ns);
        REQUIRE(begun.what == verdict::fresh);
        window.finish(begun.at, reply(reply_bytes), now_ns);
    }
    dedupe_window window;
};

}  // namespace

TEST_CASE("a caller with very many calls pushes out its own, not what others rely on") {
    shared_window at({.entries_max = 1'000, .window_ns = second});
    for (std::uint64_t id = 0; id < 100; ++id) at.call({1}, id);
    for (std::uint64_t id = 0; id < 50'000; ++id) at.call({2}, id);
    CHECK(at.window.counted().evicted_early == 50'100 - 1'000);
    CHECK(at.window.callers() == 2);
    for (std::uint64_t id = 0; id < 100; ++id) CHECK(at.begin({1}, id).what == verdict::done);
    // Of its own those that are newest are left.
    CHECK(at.begin({2}, 49'999).what == verdict::done);
    CHECK(at.begin({2}, 49'101).what == verdict::done);
    CHECK(at.begin({2}, 1).what == verdict::fresh);
}

TEST_CASE("callers that fill a window together have shares by their weights") {
    shared_window at({.entries_max = 4'000, .window_ns = second});
    for (std::uint64_t id = 0; id < 20'000; ++id) {
        at.call({1, 1}, id);
        at.call({2, 3}, id);
    }
    // Within a seventh of 1,000 and 3,000.
    CHECK(at.begin({1, 1}, 20'000 - 860).what == verdict::done);
    CHECK(at.begin({1, 1}, 20'000 - 1'160).what == verdict::fresh);
    CHECK(at.begin({2, 3}, 20'000 - 2'570).what == verdict::done);
    CHECK(at.begin({2, 3}, 20'000 - 3'450).what == verdict::fresh);
}

TEST_CASE("replies are dropped of the caller that keeps most bytes") {
    shared_window at({.entries_max = 1'000, .bytes_max = 100'000, .window_ns = second});
    for (std::uint64_t id = 0; id < 20; ++id) at.call({1}, id, 500);
    for (std::uint64_t id = 0; id < 100; ++id) at.call({2}, id, 10'000);
    CHECK(at.window.bytes_held() <= 100'000);
    CHECK(at.window.counted().replies_dropped == 91);
    for (std::uint64_t id = 0; id < 20; ++id) CHECK(at.begin({1}, id).what == verdict::done);
    CHECK(at.begin({2}, 90).what == verdict::ran);
    CHECK(at.begin({2}, 99).what == verdict::done);
}

TEST_CASE("a caller whose calls all run takes no place from callers that have less") {
    shared_window at({.entries_max = 100, .window_ns = second});
    for (std::uint64_t id = 0; id < 30; ++id) at.call({1}, id);
    std::size_t unprotected = 0;
    for (std::uint64_t id = 0; id < 200; ++id)
        unprotected += at.begin({2}, id).what == verdict::unprotected ? 1 : 0;
    CHECK(unprotected == 130);
    CHECK(at.window.counted().evicted_early == 0);
    for (std::uint64_t id = 0; id < 30; ++id) CHECK(at.begin({1}, id).what == verdict::done);
    // One that has less than those has room.
    CHECK(at.begin({3}, 0).what == verdict::fresh);
}

TEST_CASE("a caller of whom nothing is known any more takes no memory") {
    shared_window at({.entries_max = 64, .window_ns = second});
    for (std::uint64_t caller = 0; caller < 10'000; ++caller) at.call({caller}, 1);
    CHECK(at.window.callers() == 64);
    at.window.expire(second);
    CHECK(at.window.callers() == 0);
    const auto begun = at.begin({5}, 1, second);
    CHECK(at.window.callers() == 1);
    at.window.withdraw(begun.at);
    CHECK(at.window.callers() == 0);
    // The only entry of the only caller gives way to its next one.
    shared_window one({.entries_max = 1, .window_ns = second});
    one.call({1}, 1);
    one.call({1}, 2);
    one.call({2}, 1);
    CHECK(one.window.callers() == 1);
}

TEST_CASE("what a caller has within its share stays, whatever others do") {
    constexpr std::array<std::uint32_t, 5> weights{1, 1, 2, 4, 8};
    constexpr std::uint32_t entries = 640;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        INFO("seed " << seed);
        random_source random(seed);
        shared_window at({.entries_max = entries, .bytes_max = 64'000, .window_ns = 1'000'000});
        struct caller {
            std::uint64_t next = 0;
            std::deque<std::uint64_t> done;  // as far as the window may know them
        };
        std::array<caller, weights.size()> callers;
        // Each seed has other rates; one caller stays below its share of a sixteenth.
        std::array<std::uint64_t, weights.size()> rate{};
        for (auto& each : rate) each = 1 + random.next() % 50;
        rate[0] = 0;
        for (std::uint64_t id = 0; id < 33; ++id) {
            at.call({0, weights[0]}, id, 100);
            callers[0].done.push_back(id);
        }
        std::int64_t now = 0;
        for (int step = 0; step < 4'000; ++step) {
            const auto which = 1 + random.next() % (weights.size() - 1);
            auto& from = callers[which];
            for (auto count = rate[which]; count-- > 0;)
                at.call({which, weights[which]}, from.next++, random.next() % 300, ++now);
            REQUIRE(at.window.size() <= entries);
            REQUIRE(at.window.bytes_held() <= 64'000);
        }
        for (const auto id : callers[0].done)
            REQUIRE(at.begin({0, weights[0]}, id, now).what == verdict::done);
        // The others have filled it, each with what its weight allows or less.
        REQUIRE(at.window.size() == entries);
    }
}
