// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/quota.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;
using kind = quota_verdict::kind;

static_assert(!std::is_copy_constructible_v<quota_use>);
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t start_ns = 5 * second_ns;

/// How many of `tries` calls at one moment are admitted; all of those have ended.
int admitted(quota_use& use, const quota& of, std::int64_t now_ns, int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i) count += use.admit(of, now_ns).admitted() ? 1 : 0;
    use.give_back(static_cast<std::size_t>(count));
    return count;
}

}  // namespace

TEST_CASE("a quota's calls at once are as many as it says, and one that has ended makes room") {
    quota_use use;
    const quota of{.concurrency = 2};
    CHECK(use.admit(of, start_ns).admitted());
    CHECK(use.admit(of, start_ns).admitted());
    const auto third = use.admit(of, start_ns);
    CHECK(third.what == kind::too_many_at_once);
    CHECK(third.wait_ns > 0);
    CHECK(use.open() == 2);
    use.give_back(1);
    CHECK(use.admit(of, start_ns).admitted());
    CHECK_FALSE(use.admit(of, start_ns).admitted());
    // More of them have the same places, fewer have them once enough have ended.
    CHECK(use.admit({.concurrency = 3}, start_ns).admitted());
    CHECK_FALSE(use.admit(of, start_ns).admitted());
    use.give_back(2);
    CHECK(use.admit(of, start_ns).admitted());
    use.give_back(2);
    CHECK(use.open() == 0);
}

TEST_CASE("a quota without limits admits everything, and still counts what is open") {
    quota_use use;
    CHECK_FALSE(quota{}.limits());
    for (int i = 0; i < 1000; ++i) CHECK(use.admit({}, start_ns).admitted());
    CHECK(use.open() == 1000);
    CHECK_FALSE(use.admit({.concurrency = 1000}, start_ns).admitted());
}

TEST_CASE("a quota's rate lets its burst through at once, and then one call for each interval") {
    quota_use use;
    const quota of{.rate = 100, .burst = 5};
    constexpr auto interval_ns = second_ns / 100;
    CHECK(admitted(use, of, start_ns, 50) == 5);
    const auto refused = use.admit(of, start_ns);
    CHECK(refused.what == kind::too_many_a_second);
    CHECK(refused.wait_ns == interval_ns);
    CHECK(use.open() == 0);
    CHECK_FALSE(use.admit(of, start_ns + refused.wait_ns - 1).admitted());
    CHECK(use.admit(of, start_ns + refused.wait_ns).admitted());
    CHECK_FALSE(use.admit(of, start_ns + refused.wait_ns).admitted());
    // Half a second has room for the burst alone, a second of steady calls for the rate.
    CHECK(admitted(use, of, start_ns + second_ns / 2, 50) == 5);
    int steady = 0;
    for (std::int64_t ms = 0; ms < 1000; ++ms)
        steady += admitted(use, of, start_ns + 10 * second_ns + ms * 1'000'000, 3);
    CHECK(steady == 5 + 99);
    // A clock that is behind that of another lane costs a little, and breaks nothing.
    CHECK(admitted(use, of, start_ns + 20 * second_ns, 50) == 5);
    CHECK(admitted(use, of, start_ns + 20 * second_ns - interval_ns, 50) == 0);
    CHECK(admitted(use, of, start_ns + 20 * second_ns, 50) == 0);
}

TEST_CASE("calls beyond a rate take nothing from it") {
    quota_use use;
    const quota of{.concurrency = 1, .rate = 10, .burst = 10};
    REQUIRE(use.admit(of, start_ns).admitted());
    for (int i = 0; i < 1000; ++i) CHECK(use.admit(of, start_ns).what == kind::too_many_at_once);
    use.give_back(1);
    int more = 0;
    for (; use.admit(of, start_ns).admitted(); ++more) use.give_back(1);
    CHECK(more == 9);
}

TEST_CASE("a quota that has changed counts from now on, and is owed nothing for what was before") {
    quota_use use;
    CHECK(admitted(use, {.rate = 1, .burst = 1000}, start_ns, 2000) == 1000);
    // A thousand seconds are owed at the old rate: at the new one that is an empty bucket.
    const quota of{.rate = 1000, .burst = 10};
    const auto refused = use.admit(of, start_ns);
    CHECK(refused.wait_ns == second_ns / 1000);
    CHECK(admitted(use, of, start_ns + second_ns, 100) == 10);
    CHECK(admitted(use, {.rate = 1, .burst = 1}, start_ns + second_ns, 100) == 0);
    CHECK(admitted(use, {.rate = 1, .burst = 1}, start_ns + 2 * second_ns, 100) == 1);
}

TEST_CASE("the largest quotas there can be overflow nothing") {
    const quota slow{.rate = 1, .burst = quota::burst_max};
    const quota fast{.rate = quota::rate_max, .burst = quota::burst_max};
    constexpr std::int64_t late_ns = std::int64_t{1} << 62;  // in 146 years
    for (const auto& of : {slow, fast}) {
        quota_use use;
        for (const auto now_ns : {std::int64_t{0}, start_ns, late_ns})
            CHECK(admitted(use, of, now_ns, 100) == 100);
    }
    quota_use other;
    CHECK(admitted(other, {.rate = quota::rate_max, .burst = 1}, start_ns, 10) == 1);
    CHECK(other.admit({.rate = quota::rate_max, .burst = 1}, start_ns + 1000).admitted());
}

TEST_CASE("threads that share a quota have no more of it together than one would have") {
    quota_use use;
    const quota of{.concurrency = 7, .rate = 1000, .burst = 5000};
    std::atomic<std::int64_t> inside{0};
    std::atomic<std::int64_t> most{0};
    std::atomic<int> all{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            std::vector<int> held;
            for (int n = 0; n < 20'000; ++n) {
                if (use.admit(of, start_ns).admitted()) {
                    const auto now = inside.fetch_add(1) + 1;
                    for (auto seen = most.load(); seen < now;)
                        if (most.compare_exchange_weak(seen, now)) break;
                    all.fetch_add(1);
                    held.push_back(n);
                }
                if (held.size() < 3 && n % 3 != 0) continue;
                for (; !held.empty(); held.pop_back()) {
                    inside.fetch_sub(1);
                    use.give_back(1);
                }
            }
            inside.fetch_sub(static_cast<std::int64_t>(held.size()));
            use.give_back(held.size());
        });
    for (auto& each : threads) each.join();
    CHECK(most <= 7);
    CHECK(all == 5000);  // time stood still
    CHECK(use.open() == 0);
}

TEST_CASE("a call beyond its quota is told whose it is, what it says, and when to come back") {
    const auto at_once =
        beyond_quota("shop", {.concurrency = 100}, {kind::too_many_at_once, 10'000'000});
    CHECK(at_once.code == errc::overloaded);
    CHECK(at_once.detail ==
          "\"shop\" may have 100 calls at once at a node, and has; quota of the allow-list; try "
          "again in 10 ms");
    CHECK(at_once.retry_after.count() == 10'000);
    const auto fast =
        beyond_quota("shop", {.rate = 200, .burst = 400}, {kind::too_many_a_second, 4'000'001});
    CHECK(fast.detail ==
          "\"shop\" may make 200 calls a second at a node, 400 of them at once, and has; quota of "
          "the allow-list; try again in 5 ms");
    CHECK(fast.retry_after.count() == 4'001);  // not before there is room
}

TEST_CASE("calls beyond a quota are logged once a minute, with how many were not") {
    quota_use use;
    CHECK(use.due(start_ns) == 0);
    CHECK_FALSE(use.due(start_ns));
    CHECK_FALSE(use.due(start_ns + 59 * second_ns));
    CHECK(use.due(start_ns + 60 * second_ns) == 2);
    CHECK_FALSE(use.due(start_ns + 60 * second_ns));
}
