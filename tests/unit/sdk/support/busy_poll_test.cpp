// SPDX-License-Identifier: Apache-2.0
#include "support/busy_poll.hpp"

#include "support/wake_event.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <thread>

using dunlin::support::awaited;
using dunlin::support::busy_poll;
using dunlin::support::busy_poll_policy;
using dunlin::support::sleep_poll;
using dunlin::support::wake_event;
using namespace std::chrono_literals;
using ending = busy_poll_policy::ending;
using clock_type = std::chrono::steady_clock;

namespace {

std::array<pollfd, 1> watching(const wake_event& event) { return {{{event.fd(), POLLIN, 0}}}; }

}  // namespace

TEST_CASE("waits begin awake as long as that finds news") {
    busy_poll_policy policy;
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(policy.begin_awake());
        policy.ended(ending::news);
    }
}

TEST_CASE("waits that were awake for nothing become rare, but never end") {
    busy_poll_policy policy;
    std::uint32_t asleep_in_a_row = 0;
    std::uint32_t asleep_most = 0;
    int awake = 0;
    constexpr int waits = 100'000;
    for (int i = 0; i < waits; ++i) {
        if (!policy.begin_awake()) {
            asleep_most = std::max(asleep_most, ++asleep_in_a_row);
            continue;
        }
        asleep_in_a_row = 0;
        ++awake;
        policy.ended(ending::nothing);
    }
    CHECK(asleep_most == busy_poll_policy::waits_skipped_max);
    // Nine times until the most is skipped, then one in so many.
    CHECK(awake <= 10 + waits / static_cast<int>(busy_poll_policy::waits_skipped_max));
    CHECK(awake >= waits / static_cast<int>(busy_poll_policy::waits_skipped_max) / 2);
}

TEST_CASE("waits for answers and other waits learn apart, and share the work before them") {
    busy_poll_policy policy;
    const auto vain = GENERATE(awaited::anything, awaited::answers);
    const auto other = vain == awaited::answers ? awaited::anything : awaited::answers;
    for (int found_nothing = 0; found_nothing < 5;) {
        REQUIRE(policy.begin_awake(other));
        policy.ended(ending::news, other);
        if (!policy.begin_awake(vain)) continue;
        policy.ended(ending::nothing, vain);
        ++found_nothing;
    }
    CHECK_FALSE(policy.begin_awake(vain));
    CHECK(policy.begin_awake(other));
    // Work puts the wait that follows it to sleep, whichever that is, and no other.
    policy.handled(busy_poll_policy::calls_max + 1);
    CHECK_FALSE(policy.begin_awake(other));
    CHECK(policy.begin_awake(other));
}

TEST_CASE("one find makes waits begin awake again") {
    busy_poll_policy policy;
    for (int found_nothing = 0; found_nothing < 5;) {
        if (!policy.begin_awake()) continue;
        policy.ended(ending::nothing);
        ++found_nothing;
    }
    int asleep = 0;
    while (!policy.begin_awake()) ++asleep;
    CHECK(asleep == 16);
    policy.ended(ending::news);
    CHECK(policy.begin_awake());
    policy.ended(ending::nothing);
    CHECK_FALSE(policy.begin_awake());  // skips one again, not 32
    CHECK(policy.begin_awake());
}

TEST_CASE("a wait that its own end cuts short changes nothing") {
    busy_poll_policy policy;
    for (int i = 0; i < 100; ++i) {
        REQUIRE(policy.begin_awake());
        policy.ended(ending::cut_short);
    }
    policy.ended(ending::nothing);
    CHECK_FALSE(policy.begin_awake());
    REQUIRE(policy.begin_awake());
    policy.ended(ending::cut_short);  // neither better than before ...
    CHECK(policy.begin_awake());
    policy.ended(ending::nothing);
    CHECK_FALSE(policy.begin_awake());  // ... nor worse
    CHECK_FALSE(policy.begin_awake());
    CHECK(policy.begin_awake());
}

TEST_CASE("a wait after much work sleeps at once") {
    busy_poll_policy policy;
    SECTION("many calls") { policy.handled(busy_poll_policy::calls_max + 1); }
    SECTION("a long frame") {
        policy.received(busy_poll_policy::frame_bytes_max + 1);
        policy.received(10);
    }
    SECTION("little by little") {
        for (std::size_t i = 0; i <= busy_poll_policy::calls_max; ++i) policy.handled(1);
    }
    CHECK_FALSE(policy.begin_awake());
    // Which says nothing about the next.
    CHECK(policy.begin_awake());
    policy.handled(busy_poll_policy::calls_max);
    policy.received(busy_poll_policy::frame_bytes_max);
    CHECK(policy.begin_awake());
    // Several frames that are short each, as a window of many small calls brings.
    for (int i = 0; i < 10; ++i) policy.received(busy_poll_policy::frame_bytes_max);
    CHECK(policy.begin_awake());
}

TEST_CASE("a wait returns with what is ready already") {
    wake_event event;
    event.signal();
    auto on = watching(event);
    busy_poll poll(GENERATE(0us, 100us, 10s));
    poll.wait(on, clock_type::time_point::max());
    CHECK(on[0].revents == POLLIN);
}

TEST_CASE("a wait is woken by another thread, whether awake or asleep") {
    const auto awake_max = GENERATE(0us, 50us, 100s);
    busy_poll poll(awake_max);
    wake_event event;
    wake_event answer;
    std::thread other([&] {
        for (int i = 0; i < 200; ++i) {
            auto on = watching(answer);
            sleep_poll(on, clock_type::time_point::max());
            answer.drain();
            event.signal();
        }
    });
    for (int i = 0; i < 200; ++i) {
        answer.signal();
        auto on = watching(event);
        do {
            poll.wait(on, clock_type::time_point::max());
        } while (on[0].revents == 0);
        event.drain();
    }
    other.join();
}

TEST_CASE("a wait ends at its time, and says that nothing is ready") {
    wake_event event;
    auto on = watching(event);
    on[0].revents = POLLIN;  // left over
    busy_poll poll(GENERATE(0us, 200us, 100s));
    const auto begin = clock_type::now();
    poll.wait(on, begin + 2ms);
    CHECK(clock_type::now() - begin >= 2ms);
    CHECK(on[0].revents == 0);
    poll.wait(on, begin);  // in the past
    CHECK(on[0].revents == 0);
}
