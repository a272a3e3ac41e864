// SPDX-License-Identifier: Apache-2.0
#include "cluster/dedupe_window.hpp"

#include "cluster/random.hpp"
#include "tests/support/catch.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>

using namespace dunlin::cluster;
using dunlin::bytes;
using verdict = dedupe_window::verdict;

namespace {

constexpr std::int64_t second = 1'000'000'000;

call_name call(std::uint64_t id, std::uint32_t attempt = 0, std::uint64_t origin = 1) {
    return {origin, id, attempt};
}

bytes reply(std::size_t size) { return bytes(std::string(size, 'r')); }

dedupe_window::limits small() {
    return {.entries_max = 4, .bytes_max = 100, .reply_bytes_max = 60, .window_ns = 10 * second};
}

}  // namespace

TEST_CASE("dedupe window runs a call once, attaches repeats, then gives them its reply") {
    dedupe_window window;
    CHECK(window.begin(call(7), 42, 0).what == verdict::fresh);
    const auto during = window.begin(call(7), 43, 1);
    CHECK(during.what == verdict::running);
    CHECK(during.tag == 42);
    window.finish(call(7), bytes("five"), 2);
    const auto after = window.begin(call(7), 44, 3);
    CHECK(after.what == verdict::done);
    CHECK(dunlin::as_text(after.reply) == "five");
    CHECK(window.counted().repeats == 2);
    CHECK(window.running() == 0);
}

TEST_CASE("dedupe window tells attempts, ids and origins apart") {
    dedupe_window window;
    CHECK(window.begin(call(7), 0, 0).what == verdict::fresh);
    CHECK(window.begin(call(7, 1), 0, 0).what == verdict::fresh);
    CHECK(window.begin(call(8), 0, 0).what == verdict::fresh);
    CHECK(window.begin(call(7, 0, 2), 0, 0).what == verdict::fresh);
    CHECK(window.size() == 4);
}

TEST_CASE("dedupe window knows that a call ran when its reply was not kept") {
    dedupe_window window(small());
    (void)window.begin(call(1), 0, 0);
    window.finish(call(1), 0);
    CHECK(window.begin(call(1), 0, 1).what == verdict::ran);
    (void)window.begin(call(2), 0, 0);
    window.finish(call(2), reply(61), 0);
    CHECK(window.begin(call(2), 0, 1).what == verdict::ran);
    CHECK(window.counted().replies_dropped == 1);
    CHECK(window.bytes_held() == 0);
    (void)window.begin(call(3), 0, 0);
    window.finish(call(3), bytes(), 0);  // an empty reply is a reply
    CHECK(window.begin(call(3), 0, 1).what == verdict::done);
}

TEST_CASE("dedupe window lets a call run again that was withdrawn") {
    dedupe_window window;
    (void)window.begin(call(1), 0, 0);
    window.withdraw(call(1));
    CHECK(window.size() == 0);
    CHECK(window.begin(call(1), 5, 0).what == verdict::fresh);
    window.finish(call(1), bytes("x"), 0);
    window.withdraw(call(1));  // too late: it ran
    CHECK(window.begin(call(1), 0, 0).what == verdict::done);
}

TEST_CASE("dedupe window forgets a call when its time is over, not before") {
    dedupe_window window(small());
    (void)window.begin(call(1), 0, 0);
    window.finish(call(1), bytes("x"), 5 * second);
    CHECK(window.begin(call(1), 0, 15 * second - 1).what == verdict::done);
    CHECK(window.begin(call(1), 0, 15 * second).what == verdict::fresh);
    CHECK(window.begin(call(1), 0, 15'000 * second).what == verdict::running);
    CHECK(window.counted().evicted_early == 0);
}

TEST_CASE("dedupe window drops the oldest replies when bytes run out, and still knows the calls") {
    dedupe_window window(small());
    for (std::uint64_t id = 1; id <= 3; ++id) (void)window.begin(call(id), 0, 0);
    window.finish(call(2), reply(50), 0);
    window.finish(call(1), reply(40), 0);
    CHECK(window.bytes_held() == 90);
    window.finish(call(3), reply(20), 0);
    CHECK(window.bytes_held() == 60);
    CHECK(window.begin(call(2), 0, 0).what == verdict::ran);
    CHECK(window.begin(call(1), 0, 0).what == verdict::done);
    CHECK(window.begin(call(3), 0, 0).what == verdict::done);
}

TEST_CASE("dedupe window gives up the oldest finished call when it is full") {
    dedupe_window window(small());
    for (std::uint64_t id = 1; id <= 4; ++id) (void)window.begin(call(id), 0, 0);
    window.finish(call(3), bytes("3"), 0);
    window.finish(call(1), bytes("1"), 0);
    CHECK(window.begin(call(5), 0, 1).what == verdict::fresh);
    CHECK(window.counted().evicted_early == 1);
    CHECK(window.begin(call(1), 0, 1).what == verdict::done);
    CHECK(window.begin(call(2), 0, 1).what == verdict::running);
    CHECK(window.size() == 4);
}

TEST_CASE("dedupe window never forgets a running call, and says so when it cannot protect") {
    dedupe_window window(small());
    for (std::uint64_t id = 1; id <= 4; ++id) (void)window.begin(call(id), id, 0);
    CHECK(window.begin(call(5), 0, 1'000 * second).what == verdict::unprotected);
    CHECK(window.begin(call(5), 0, 1'000 * second).what == verdict::unprotected);
    CHECK(window.counted().unprotected == 2);
    window.finish(call(5), bytes("x"), 1'000 * second);
    window.withdraw(call(5));
    for (std::uint64_t id = 1; id <= 4; ++id) {
        CHECK(window.begin(call(id), 0, 1'000 * second).tag == id);
    }
    window.finish(call(1), bytes("1"), 1'000 * second);
    CHECK(window.begin(call(6), 0, 1'000 * second).what == verdict::fresh);
}

TEST_CASE("dedupe window without room protects nothing and refuses nothing") {
    dedupe_window window({.entries_max = 0, .bytes_max = 0, .reply_bytes_max = 0, .window_ns = 0});
    CHECK(window.begin(call(1), 0, 0).what == verdict::unprotected);
    window.finish(call(1), bytes("x"), 0);
    CHECK(window.size() == 0);
}

TEST_CASE("dedupe window holds when the clock stands still, goes back or ends") {
    constexpr auto end = std::numeric_limits<std::int64_t>::max();
    dedupe_window window({.entries_max = 4, .window_ns = end});
    (void)window.begin(call(1), 0, 100);
    window.finish(call(1), bytes("x"), 100);
    CHECK(window.begin(call(1), 0, 100).what == verdict::done);
    CHECK(window.begin(call(1), 0, -end).what == verdict::done);
    CHECK(window.begin(call(1), 0, end - 1).what == verdict::done);
    // One that ended later by a clock that went back is forgotten in turn all the same.
    dedupe_window back(small());
    (void)back.begin(call(1), 0, 0);
    (void)back.begin(call(2), 0, 0);
    back.finish(call(1), bytes("x"), 100 * second);
    back.finish(call(2), bytes("y"), 0);
    back.expire(111 * second);
    CHECK(back.size() == 0);
}

TEST_CASE("dedupe window agrees with a simple model through many calls") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        random_source random(seed);
        dedupe_window window(
            {.entries_max = 300, .bytes_max = 20'000, .reply_bytes_max = 200, .window_ns = 50});
        std::set<std::tuple<std::uint64_t, std::uint64_t, std::uint32_t>> running;
        std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint32_t>, std::int64_t> done;
        std::int64_t now = 0;
        for (int step = 0; step < 30'000; ++step) {
            now += static_cast<std::int64_t>(random.next() % 2);
            const call_name name{random.next() % 3, random.next() % 60,
                                 static_cast<std::uint32_t>(random.next() % 2)};
            const auto key = std::tuple(name.origin, name.id, name.attempt);
            if (random.next() % 2 == 0) {
                const auto got = window.begin(name, name.id, now);
                if (running.contains(key)) {
                    REQUIRE(got.what == verdict::running);
                    REQUIRE(got.tag == name.id);
                } else if (done.contains(key) && now < done[key] + 50) {
                    const bool known = got.what == verdict::done || got.what == verdict::ran;
                    REQUIRE(known);
                } else {
                    // At most 360 names, of which never 300 run at a time here.
                    REQUIRE(got.what == verdict::fresh);
                    running.insert(key);
                    done.erase(key);
                }
            } else if (running.erase(key) > 0) {
                if (random.next() % 8 == 0) {
                    window.withdraw(name);
                } else {
                    window.finish(name, reply(random.next() % 250), now);
                    done[key] = now;
                }
            }
            REQUIRE(window.size() <= 300);
            REQUIRE(window.bytes_held() <= 20'000);
            REQUIRE(window.running() == running.size());
        }
        CHECK(window.counted().evicted_early == 0);
        CHECK(window.counted().replies_dropped > 0);
    }
}

TEST_CASE("dedupe window never runs a running call twice when it is flooded") {
    dedupe_window window({.entries_max = 1'000, .bytes_max = 1'000, .window_ns = second});
    for (std::uint64_t id = 0; id < 100; ++id) (void)window.begin(call(id, 0, 9), id, 0);
    for (std::uint64_t id = 0; id < 50'000; ++id) {
        REQUIRE(window.begin(call(id), 0, 1).what == verdict::fresh);
        window.finish(call(id), reply(10), 1);
        REQUIRE(window.size() <= 1'000);
    }
    for (std::uint64_t id = 0; id < 100; ++id) {
        CHECK(window.begin(call(id, 0, 9), 0, 2).what == verdict::running);
    }
    CHECK(window.counted().evicted_early == 50'000 - 900);
}
