// SPDX-License-Identifier: Apache-2.0
#include "actors/flow_scheduler.hpp"

#include "tests/support/catch.hpp"

#include <map>
#include <vector>

using namespace dunlin::actors;

namespace {

/// Flows that never have nothing to run, and what ran of each.
struct backlog {
    explicit backlog(std::uint64_t seed = 1) : flows(seed) {}

    void keep(const call_share& share, std::uint32_t count, std::uint32_t items = 3) {
        const auto place = flows.open(share);
        while (flows.at(place).length < count * items) flows.add(place, count);
        sizes[share.caller] = count;
        shares[share.caller] = share;
    }
    /// Runs until so many invocations have.
    void run(std::uint64_t invocations) {
        for (std::uint64_t done = 0; done < invocations;) {
            const auto place = flows.next();
            const auto caller = flows.at(place).caller;
            const auto count = sizes[caller];
            flows.add(place, count);
            flows.run(place, count);
            ran[caller] += count;
            done += count;
        }
    }
    [[nodiscard]] double part(std::uint64_t caller) {
        std::uint64_t all = 0;
        for (const auto& each : ran) all += each.second;
        return static_cast<double>(ran[caller]) / static_cast<double>(all);
    }

    flow_scheduler flows;
    std::map<std::uint64_t, std::uint32_t> sizes;
    std::map<std::uint64_t, call_share> shares;
    std::map<std::uint64_t, std::uint64_t> ran;
};

}  // namespace

TEST_CASE("flows share by weight") {
    backlog all;
    all.keep({1, 1}, 1);
    all.keep({2, 2}, 1);
    all.keep({3, 5}, 1);
    all.run(80'000);
    CHECK(all.part(1) == Approx(1.0 / 8).epsilon(0.02));
    CHECK(all.part(2) == Approx(2.0 / 8).epsilon(0.02));
    CHECK(all.part(3) == Approx(5.0 / 8).epsilon(0.02));
}

TEST_CASE("flows share invocations, whatever the size of their bundles") {
    backlog all;
    all.keep({1}, 1);
    all.keep({2}, 7);
    all.keep({3}, 128);
    all.run(500'000);
    for (std::uint64_t caller = 1; caller <= 3; ++caller)
        CHECK(all.part(caller) == Approx(1.0 / 3).epsilon(0.25));
    // What newcomers borrow is given back in the end.
    all.ran.clear();
    all.run(2'000'000);
    for (std::uint64_t caller = 1; caller <= 3; ++caller)
        CHECK(all.part(caller) == Approx(1.0 / 3).epsilon(0.01));
}

TEST_CASE("a weight of nothing counts as one, and one that is too large as the largest") {
    backlog all;
    all.keep({1, 0}, 1);
    all.keep({2, 1'000'000}, 1);
    all.run(20'000);  // until nothing is borrowed any more
    all.ran.clear();
    all.run(65'000);
    CHECK(all.part(1) == Approx(1.0 / 65).epsilon(0.01));
}

TEST_CASE("a weight that changes counts from then on") {
    backlog all;
    all.keep({1}, 1);
    all.keep({2}, 1);
    all.run(1'000);
    (void)all.flows.open({2, 3});
    all.ran.clear();
    all.run(40'000);
    CHECK(all.part(2) == Approx(0.75).epsilon(0.02));
}

TEST_CASE("a lower priority that is passed over gets a sixteenth") {
    backlog all;
    all.keep({1, 1, call_priority::high}, 1);
    all.keep({2, 1, call_priority::low}, 1);
    all.run(16'000);
    CHECK(all.part(2) == Approx(1.0 / 16).epsilon(0.02));
    all.keep({3, 1, call_priority::normal}, 1);
    all.ran.clear();
    all.run(160'000);
    CHECK(all.part(2) == Approx(1.0 / 16).epsilon(0.1));
    CHECK(all.part(3) == Approx(1.0 / 16).epsilon(0.1));
}

TEST_CASE("a flow that comes and goes gets its share and not more, in whatever bursts") {
    for (const int burst : {1, 2, 3, 10, 100, 1'000}) {
        INFO("bursts of " << burst);
        flow_scheduler flows(1);
        const auto steady = flows.open({1});
        flows.add(steady, 1);
        std::uint64_t ran = 0;
        std::uint64_t of_steady = 0;
        // It comes back as soon as its burst is done.
        while (ran < 100'000) {
            if (flows.find({2}) == dunlin::support::no_place ||
                flows.at(flows.find({2})).length == 0)
                for (int i = 0; i < burst; ++i) flows.add(flows.open({2}), 1);
            const auto place = flows.next();
            if (place == steady) {
                flows.add(steady, 1);
                ++of_steady;
            }
            flows.run(place, 1);
            ++ran;
        }
        CHECK(static_cast<double>(of_steady) / static_cast<double>(ran) > 0.49);
    }
}

TEST_CASE("callers who are always new leave an eighth to those who are not") {
    flow_scheduler flows(1);
    const auto steady = flows.open({0});
    // It is no newcomer any more.
    for (int i = 0; i < 1'000; ++i) flows.add(steady, 1);
    for (int i = 0; i < 900; ++i) flows.run(flows.next(), 1);
    std::uint64_t of_steady = 0;
    constexpr int turns = 80'000;
    std::uint64_t newest = 1;
    for (int i = 0; i < turns; ++i) {
        flows.add(flows.open({newest++}), 1);
        const auto place = flows.next();
        if (place == steady) {
            flows.add(steady, 1);
            ++of_steady;
        }
        flows.run(place, 1);
    }
    CHECK(of_steady >= turns / 8 - 1);
    CHECK(flows.flows() <= flows.waiting() + flow_scheduler::debtors_max + 1);
}

TEST_CASE("the longest flow is found by its weight") {
    flow_scheduler flows(1);
    CHECK(flows.longest(call_priority::normal) == dunlin::support::no_place);
    const auto heavy = flows.open({1, 4});
    const auto light = flows.open({2, 1});
    for (int i = 0; i < 100; ++i) flows.add(heavy, 1);
    for (int i = 0; i < 50; ++i) flows.add(light, 1);
    CHECK(flows.longest(call_priority::normal) == light);
    for (int i = 0; i < 300; ++i) flows.add(heavy, 1);
    CHECK(flows.longest(call_priority::normal) == heavy);
    CHECK(flows.longest(call_priority::high) == dunlin::support::no_place);
}

TEST_CASE("a flow ends when it is empty and owes nothing") {
    flow_scheduler flows(1);
    const auto first = flows.open({1});
    CHECK(flows.flows() == 1);
    flows.close_unused(first);
    CHECK(flows.flows() == 0);

    const auto gone = flows.open({1});
    flows.add(gone, 1);
    flows.remove(gone, 1);  // it never had its turn
    CHECK(flows.flows() == 0);

    const auto ran = flows.open({1});
    const auto other = flows.open({2});
    flows.add(ran, 1);
    for (int i = 0; i < 3; ++i) flows.add(other, 1);
    REQUIRE(flows.next() == ran);
    flows.run(ran, 1);
    CHECK(flows.flows() == 2);  // it owes a turn
    for (int i = 0; i < 2; ++i) flows.run(flows.next(), 1);
    for (int i = 0; i < 100; ++i) flows.add(other, 1);
    for (int i = 0; i < 100; ++i) flows.run(flows.next(), 1);
    CHECK(flows.find({1}) == dunlin::support::no_place);
}

TEST_CASE("how many run before another one follows from the shares") {
    flow_scheduler flows(1);
    CHECK(flows.ahead({1}) == 0);
    const auto first = flows.open({1});
    for (int i = 0; i < 1'000; ++i) flows.add(first, 1);
    // Of those who may borrow only so much goes first.
    CHECK(flows.ahead({2}) == flow_scheduler::turns_borrowed_max);
    CHECK(flows.ahead({1}) == 1'000);
    CHECK(flows.ahead({2, 1, call_priority::low}) == 1'000);
    CHECK(flows.ahead({2, 1, call_priority::high}) == 0);
}
