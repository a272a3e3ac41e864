// SPDX-License-Identifier: Apache-2.0
#include "runtime/router/owner_wait.hpp"

#include "tests/support/catch.hpp"

#include <cstdint>
#include <limits>
#include <vector>

using dunlin::actors::answer_address;
using dunlin::runtime::owner_wait;

namespace {

std::vector<std::uint32_t> overdue(owner_wait& waiting, std::int64_t now_ns) {
    std::vector<std::uint32_t> ended;
    waiting.end_overdue(now_ns, [&](answer_address call, const dunlin::error* /*said*/) {
        ended.push_back(call.slot);
    });
    return ended;
}

}  // namespace

TEST_CASE("calls that wait for a key's owner go in their order, and what cannot go waits on") {
    owner_wait waiting;
    for (std::uint32_t slot = 0; slot < 4; ++slot) REQUIRE(waiting.add({slot, 1}, slot));
    std::vector<std::uint32_t> asked;
    waiting.look_again([&](answer_address call) {
        asked.push_back(call.slot);
        return call.slot % 2 == 0;
    });
    CHECK(asked == std::vector<std::uint32_t>{0, 1, 2, 3});
    CHECK(waiting.size() == 2);
    CHECK(waiting.next_ns() == 1 + owner_wait::wait_max_ns);
    CHECK(overdue(waiting, owner_wait::wait_max_ns).empty());
    CHECK(overdue(waiting, 1 + owner_wait::wait_max_ns) == std::vector<std::uint32_t>{1});
    CHECK(overdue(waiting, 3 + owner_wait::wait_max_ns) == std::vector<std::uint32_t>{3});
    CHECK(waiting.next_ns() == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("a call that comes back while others are looked at waits behind them") {
    owner_wait waiting;
    REQUIRE(waiting.add({1, 1}, 0));
    REQUIRE(waiting.add({2, 1}, 0));
    waiting.look_again([&](answer_address call) {
        if (call.slot != 1) return false;
        CHECK(waiting.add({3, 1}, 5));
        return true;
    });
    CHECK(overdue(waiting, 5 + owner_wait::wait_max_ns) == std::vector<std::uint32_t>{2, 3});
}

TEST_CASE("no more calls wait for owners than may") {
    owner_wait waiting;
    for (std::uint32_t i = 0; i < owner_wait::calls_max; ++i) REQUIRE(waiting.add({i, 1}, 0));
    CHECK_FALSE(waiting.add({0, 2}, 0));
}
