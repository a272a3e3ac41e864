// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/caller_bytes.hpp"

#include "tests/support/catch.hpp"

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

using namespace dunlin::runtime;

TEST_CASE("connections of one key count together, others by themselves") {
    caller_accounts all;
    const auto one = all.open(7);
    const auto same = all.open(7);
    const auto other = all.open(8);
    const auto nameless = all.open(std::nullopt);
    CHECK(one.get() == same.get());
    CHECK(one.get() != other.get());
    one->add(100);
    same->add(20);
    nameless->add(5);
    CHECK(one->held() == 120);
    CHECK(other->held() == 0);
    CHECK(nameless->held() == 5);
    CHECK(all.keys() == 2);
    one->give_back(120);
    nameless->give_back(5);
}

TEST_CASE("a count lives as long as the caller is connected or holds something") {
    caller_accounts all;
    auto use = all.open(7);
    auto* count = use.get();
    count->add(100);
    use.reset();
    CHECK(all.keys() == 1);
    // It comes back before its frames are gone, and is the same caller.
    use = all.open(7);
    CHECK(use.get() == count);
    CHECK(use->held() == 100);
    count->give_back(100);
    CHECK(all.keys() == 1);
    use.reset();
    CHECK(all.keys() == 0);
    // Frames that outlive the last connection end it.
    use = all.open(7);
    count = use.get();
    count->add(1);
    use.reset();
    CHECK(all.keys() == 1);
    count->give_back(1);
    CHECK(all.keys() == 0);
}

TEST_CASE("a key that comes and goes on several threads is counted right") {
    caller_accounts all;
    std::atomic<bool> wrong{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 20'000; ++round) {
                auto use = all.open(7);
                auto* count = use.get();
                count->add(3);
                use.reset();
                if (count->held() < 3) wrong = true;
                count->give_back(3);
            }
        });
    for (auto& each : threads) each.join();
    CHECK_FALSE(wrong);
    CHECK(all.keys() == 0);
}
