// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/inbox.hpp"

#include "tests/support/catch.hpp"

#include <poll.h>

#include <thread>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

constexpr int give_up_ms = 20'000;

bool readable(const inbox& in, int timeout_ms) {
    pollfd item{in.fd(), POLLIN, 0};
    return ::poll(&item, 1, timeout_ms) == 1;
}

lane_command failure(std::uint32_t slot) { return error_answer{{slot, 0}, {errc::failed, "x"}}; }

}  // namespace

TEST_CASE("an inbox gives back what was pushed, in order") {
    inbox in;
    lane_commands commands;
    CHECK_FALSE(in.take(commands));
    for (std::uint32_t i = 0; i < 3; ++i) CHECK(in.push(failure(i)));
    REQUIRE(in.take(commands));
    REQUIRE(commands.size() == 3);
    for (std::uint32_t i = 0; i < 3; ++i) CHECK(std::get<error_answer>(commands[i]).to.slot == i);
    commands.clear();
    CHECK_FALSE(in.take(commands));
}

TEST_CASE("a push signals only a lane that sleeps") {
    inbox in;
    in.push(failure(0));
    CHECK_FALSE(readable(in, 0));
    CHECK_FALSE(in.prepare_to_sleep());  // something waits already
    lane_commands commands;
    in.take(commands);
    CHECK(in.prepare_to_sleep());
    CHECK_FALSE(readable(in, 0));
    in.push(failure(1));
    in.push(failure(2));
    CHECK(readable(in, 0));
    in.woke_up();
    CHECK_FALSE(readable(in, 0));
    in.push(failure(3));
    CHECK_FALSE(readable(in, 0));
}

TEST_CASE("a closed inbox refuses and leaves the command as it was") {
    inbox in;
    in.push(failure(1));
    in.close();
    auto late = failure(2);
    const bool taken = in.push(std::move(late));
    CHECK_FALSE(taken);
    CHECK(std::get<error_answer>(late).why.detail == "x");  // NOLINT(bugprone-use-after-move)
    lane_commands commands;
    REQUIRE(in.take(commands));
    CHECK(commands.size() == 1);
}

TEST_CASE("a lane that sleeps between looks misses nothing that many threads push") {
    constexpr std::uint32_t threads_max = 4;
    constexpr std::uint32_t pushes = 5000;
    inbox in;
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < threads_max; ++t)
        threads.emplace_back([&in, t] {
            for (std::uint32_t i = 0; i < pushes; ++i) in.push(failure(t * pushes + i));
        });
    std::vector<std::uint32_t> next(threads_max);
    std::uint32_t taken = 0;
    bool in_order = true;
    bool woken = true;
    lane_commands commands;
    while (taken < threads_max * pushes && woken) {
        if (in.prepare_to_sleep()) woken = readable(in, give_up_ms);
        in.woke_up();
        if (!in.take(commands)) continue;
        for (const auto& each : commands) {
            const auto slot = std::get<error_answer>(each).to.slot;
            in_order = in_order && slot % pushes == next[slot / pushes]++;
        }
        taken += static_cast<std::uint32_t>(commands.size());
        commands.clear();
    }
    for (auto& each : threads) each.join();
    INFO("waited for the signal of a push");
    CHECK(woken);
    CHECK(in_order);
    CHECK(taken == threads_max * pushes);
}
