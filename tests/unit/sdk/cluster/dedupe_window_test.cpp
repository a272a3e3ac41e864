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

/// A window whose calls are ended by their names, as a reader of these tests knows them.
class window_of_names {
public:
    explicit window_of_names(const dedupe_window::limits& bounds = {}) : window_(bounds) {}

    dedupe_window::answer begin(const call_name& name, std::int64_t now_ns) {
        auto answer = window_.begin(name, now_ns);
        if (answer.what == verdict::fresh) places_[key(name)] = answer.at;
        return answer;
    }
    void finish(const call_name& name, bytes reply, std::int64_t now_ns) {
        window_.finish(place_of(name), std::move(reply), now_ns);
    }
    void finish(const call_name& name, std::int64_t now_ns) {
        window_.finish(place_of(name), now_ns);
    }
    void withdraw(const call_name& name) { window_.withdraw(place_of(name)); }
    dedupe_window* operator->() { return &window_; }
    [[nodiscard]] dedupe_window::place place_of(const call_name& name) {
        const auto found = places_.find(key(name));
        return found == places_.end() ? dedupe_window::nowhere : found->second;
    }

private:
    static std::tuple<std::uint64_t, std::uint64_t, std::uint32_t, std::uint32_t> key(
        const call_name& name) {
        return {name.origin, name.id, name.attempt, name.function};
    }
    dedupe_window window_;
    std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint32_t, std::uint32_t>,
             dedupe_window::place>
        places_;
};

dedupe_window::limits small() {
    return {.entries_max = 4, .bytes_max = 100, .reply_bytes_max = 60, .window_ns = 10 * second};
}

}  // namespace

TEST_CASE("dedupe window runs a call once, attaches repeats, then gives them its reply") {
    window_of_names window;
    CHECK(window.begin(call(7), 0).what == verdict::fresh);
    const auto during = window.begin(call(7), 1);
    CHECK(during.what == verdict::running);
    CHECK(during.at == window.place_of(call(7)));
    window.finish(call(7), bytes("five"), 2);
    const auto after = window.begin(call(7), 3);
    CHECK(after.what == verdict::done);
    CHECK(dunlin::as_text(after.reply) == "five");
    CHECK(window->counted().repeats == 2);
    CHECK(window->running() == 0);
}

TEST_CASE("dedupe window tells attempts, ids, origins and functions apart") {
    window_of_names window;
    CHECK(window.begin(call(7), 0).what == verdict::fresh);
    CHECK(window.begin(call(7, 1), 0).what == verdict::fresh);
    CHECK(window.begin(call(8), 0).what == verdict::fresh);
    CHECK(window.begin(call(7, 0, 2), 0).what == verdict::fresh);
    CHECK(window.begin({1, 7, 0, 99}, 0).what == verdict::fresh);
    CHECK(window->size() == 5);
}

TEST_CASE("dedupe window knows that a call ran when its reply was not kept") {
    window_of_names window(small());
    (void)window.begin(call(1), 0);
    window.finish(call(1), 0);
    CHECK(window.begin(call(1), 1).what == verdict::ran);
    (void)window.begin(call(2), 0);
    window.finish(call(2), reply(61), 0);
    CHECK(window.begin(call(2), 1).what == verdict::ran);
    CHECK(window->counted().replies_dropped == 1);
    CHECK(window->bytes_held() == 0);
    (void)window.begin(call(4), 0);
    CHECK(window->keeps(60));
    CHECK_FALSE(window->keeps(61));
    window->finish_too_large(window.place_of(call(4)), 0);
    CHECK(window.begin(call(4), 1).what == verdict::ran);
    CHECK(window->counted().replies_dropped == 2);
    (void)window.begin(call(3), 0);
    window.finish(call(3), bytes(), 0);  // an empty reply is a reply
    CHECK(window.begin(call(3), 1).what == verdict::done);
}

TEST_CASE("dedupe window lets a call run again that was withdrawn") {
    window_of_names window;
    (void)window.begin(call(1), 0);
    window.withdraw(call(1));
    CHECK(window->size() == 0);
    CHECK(window.begin(call(1), 0).what == verdict::fresh);
    window.finish(call(1), bytes("x"), 0);
    window.withdraw(call(1));  // too late: it ran
    CHECK(window.begin(call(1), 0).what == verdict::done);
}

TEST_CASE("dedupe window forgets a call when its time is over, not before") {
    window_of_names window(small());
    (void)window.begin(call(1), 0);
    window.finish(call(1), bytes("x"), 5 * second);
    CHECK(window.begin(call(1), 15 * second - 1).what == verdict::done);
    CHECK(window.begin(call(1), 15 * second).what == verdict::fresh);
    CHECK(window.begin(call(1), 15'000 * second).what == verdict::running);
    CHECK(window->counted().evicted_early == 0);
}

TEST_CASE("dedupe window drops the oldest replies when bytes run out, and still knows the calls") {
    window_of_names window(small());
    for (std::uint64_t id = 1; id <= 3; ++id) (void)window.begin(call(id), 0);
    window.finish(call(2), reply(50), 0);
    window.finish(call(1), reply(40), 0);
    CHECK(window->bytes_held() == 90);
    window.finish(call(3), reply(20), 0);
    CHECK(window->bytes_held() == 60);
    CHECK(window.begin(call(2), 0).what == verdict::ran);
    CHECK(window.begin(call(1), 0).what == verdict::done);
    CHECK(window.begin(call(3), 0).what == verdict::done);
}

TEST_CASE("dedupe window gives up the oldest finished call when it is full") {
    window_of_names window(small());
    for (std::uint64_t id = 1; id <= 4; ++id) (void)window.begin(call(id), 0);
    window.finish(call(3), bytes("3"), 0);
    window.finish(call(1), bytes("1"), 0);
    CHECK(window.begin(call(5), 1).what == verdict::fresh);
    CHECK(window->counted().evicted_early == 1);
    CHECK(window.begin(call(1), 1).what == verdict::done);
    CHECK(window.begin(call(2), 1).what == verdict::running);
    CHECK(window->size() == 4);
}

TEST_CASE("dedupe window never forgets a running call, and says so when it cannot protect") {
    window_of_names window(small());
    for (std::uint64_t id = 1; id <= 4; ++id) (void)window.begin(call(id), 0);
    CHECK(window.begin(call(5), 1'000 * second).what == verdict::unprotected);
    CHECK(window.begin(call(5), 1'000 * second).what == verdict::unprotected);
    CHECK(window->counted().unprotected == 2);
    window.finish(call(5), bytes("x"), 1'000 * second);
    window.withdraw(call(5));
    for (std::uint64_t id = 1; id <= 4; ++id) {
        CHECK(window.begin(call(id), 1'000 * second).at == window.place_of(call(id)));
    }
    window.finish(call(1), bytes("1"), 1'000 * second);
    CHECK(window.begin(call(6), 1'000 * second).what == verdict::fresh);
}

TEST_CASE("dedupe window without room protects nothing and refuses nothing") {
    window_of_names window(
        {.entries_max = 0, .bytes_max = 0, .reply_bytes_max = 0, .window_ns = 0});
    CHECK(window.begin(call(1), 0).what == verdict::unprotected);
    window.finish(call(1), bytes("x"), 0);
    CHECK(window->size() == 0);
}

TEST_CASE("dedupe window holds when the clock stands still, goes back or ends") {
    constexpr auto end = std::numeric_limits<std::int64_t>::max();
    window_of_names window({.entries_max = 4, .window_ns = end});
    (void)window.begin(call(1), 100);
    window.finish(call(1), bytes("x"), 100);
    CHECK(window.begin(call(1), 100).what == verdict::done);
    CHECK(window.begin(call(1), -end).what == verdict::done);
    CHECK(window.begin(call(1), end - 1).what == verdict::done);
    // One that ended later by a clock that went back is forgotten in turn all the same.
    window_of_names back(small());
    (void)back.begin(call(1), 0);
    (void)back.begin(call(2), 0);
    back.finish(call(1), bytes("x"), 100 * second);
    back.finish(call(2), bytes("y"), 0);
    back->expire(111 * second);
    CHECK(back->size() == 0);
}

TEST_CASE("dedupe window agrees with a simple model through many calls") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        random_source random(seed);
        window_of_names window(
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
                const auto got = window.begin(name, now);
                if (running.contains(key)) {
                    REQUIRE(got.what == verdict::running);
                    REQUIRE(got.at == window.place_of(name));
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
            REQUIRE(window->size() <= 300);
            REQUIRE(window->bytes_held() <= 20'000);
            REQUIRE(window->running() == running.size());
        }
        CHECK(window->counted().evicted_early == 0);
        CHECK(window->counted().replies_dropped > 0);
    }
}

TEST_CASE("dedupe window never runs a running call twice when it is flooded") {
    window_of_names window({.entries_max = 1'000, .bytes_max = 1'000, .window_ns = second});
    for (std::uint64_t id = 0; id < 100; ++id) (void)window.begin(call(id, 0, 9), 0);
    for (std::uint64_t id = 0; id < 50'000; ++id) {
        REQUIRE(window.begin(call(id), 1).what == verdict::fresh);
        window.finish(call(id), reply(10), 1);
        REQUIRE(window->size() <= 1'000);
    }
    for (std::uint64_t id = 0; id < 100; ++id) {
        CHECK(window.begin(call(id, 0, 9), 2).what == verdict::running);
    }
    CHECK(window->counted().evicted_early == 50'000 - 900);
}
