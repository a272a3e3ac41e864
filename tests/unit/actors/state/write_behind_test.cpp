// SPDX-License-Identifier: Apache-2.0
//
// When changes that nobody waits for are written, in virtual time.
#include "actors/state/write_behind.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>

using namespace dunlin::actors;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr write_behind::limits limits{100 * ms, 1000};

}  // namespace

TEST_CASE("a change waits half the time that a crash may cost, others with it") {
    write_behind w(limits);
    CHECK(w.due_ns() == write_behind::never);
    CHECK(w.gate_from_ns() == write_behind::never);
    w.changed(10, 5 * ms);
    w.changed(10, 30 * ms);
    CHECK(w.due_ns() == 55 * ms);
    CHECK(w.gate_from_ns() == 105 * ms);
    w.begins();
    CHECK(w.due_ns() == write_behind::never);
    CHECK(w.gate_from_ns() == 105 * ms);  // it is not stored yet
    w.changed(10, 60 * ms);
    w.ended(false, 70 * ms);
    CHECK(w.due_ns() == 110 * ms);
    CHECK(w.gate_from_ns() == 160 * ms);
}

TEST_CASE(
    "half the bytes that may be lost are written at once, and beyond all of them replies wait") {
    write_behind w(limits);
    w.changed(499, 5 * ms);
    CHECK(w.due_ns() == 55 * ms);
    w.changed(1, 6 * ms);
    CHECK(w.due_ns() <= 6 * ms);
    w.begins();
    w.changed(499, 7 * ms);
    CHECK(w.gate_from_ns() == 105 * ms);
    w.changed(1, 7 * ms);
    CHECK(w.gate_from_ns() == 0);
    w.ended(false, 8 * ms);
    CHECK(w.gate_from_ns() == 107 * ms);
}

TEST_CASE("somebody who waits has it written at once") {
    write_behind w(limits);
    w.changed(1, 5 * ms);
    w.hurry();
    CHECK(w.due_ns() <= 5 * ms);
    w.begins();
    w.ended(false, 6 * ms);
    w.changed(1, 7 * ms);
    CHECK(w.due_ns() == 57 * ms);
}

TEST_CASE("what the store has not taken is tried again after a pause, and is as old as it was") {
    write_behind w(limits);
    w.changed(10, 5 * ms);
    w.begins();
    w.changed(10, 60 * ms);  // it has come back
    w.ended(true, 60 * ms);
    CHECK(w.due_ns() == 60 * ms + write_behind::retry_ns);
    CHECK(w.gate_from_ns() == 105 * ms);
}

TEST_CASE("whatever store and callers do, a crash costs no more than was said") {
    for (std::uint32_t seed = 1; seed <= 200; ++seed) {
        std::mt19937_64 random(seed);
        write_behind w(limits);
        std::int64_t now = 0;
        std::int64_t oldest = write_behind::never;   // answered, and not stored
        std::int64_t writing = write_behind::never;  // ... of that what is being written
        std::size_t bytes = 0;
        std::size_t writing_bytes = 0;
        std::int64_t ends = 0;
        INFO("seed " << seed);
        for (int step = 0; step < 1000; ++step) {
            now += static_cast<std::int64_t>(random() % (3 * ms));
            if (writing != write_behind::never && now >= ends) {
                const bool failed = random() % 3 == 0;
                if (failed) {
                    w.changed(writing_bytes, now);
                    oldest = std::min(oldest, writing);
                    bytes += writing_bytes;
                }
                w.ended(failed, now);
                writing = write_behind::never;
                writing_bytes = 0;
            }
            if (writing == write_behind::never && w.due_ns() <= now) {
                w.begins();
                writing = std::exchange(oldest, write_behind::never);
                writing_bytes = std::exchange(bytes, 0);
                ends = now + static_cast<std::int64_t>(random() % (80 * ms));
            }
            // Callers whose replies wait change nothing that a crash could cost.
            if (now >= w.gate_from_ns()) continue;
            REQUIRE(now - std::min({oldest, writing, now}) <= limits.delay_ns_max);
            REQUIRE(bytes + writing_bytes < limits.bytes_max);
            const std::size_t added = random() % 50;
            w.changed(added, now);
            oldest = std::min(oldest, now);
            bytes += added;
        }
    }
}
