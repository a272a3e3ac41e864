// SPDX-License-Identifier: Apache-2.0
//
// Calls in clusters in virtual time: a few dozen seeds, and tests of the tests: what the checks
// are for is switched off, and they have to see it. A failing run prints its seed, and
// DUNLIN_CALL_SEED=n runs that one alone and tells its story.
#include "tests/sim/call_cluster.hpp"
#include "tests/sim/call_scenario.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace dunlin::sim;
using dunlin::errc;
using dunlin::error;

namespace {

constexpr std::int64_t ms = 1'000'000;

call_cluster_settings settings_of(std::vector<std::vector<simulated_function>> nodes,
                                  std::uint64_t seed) {
    call_cluster_settings how;
    how.seed = seed;
    how.nodes = std::move(nodes);
    how.quality.delay_min_ns = 50'000;
    how.quality.delay_max_ns = 500'000;
    return how;
}

const simulated_function again{"sim/again", true};
const simulated_function once{"sim/once", false};

// Starts everything and waits until all know each other.
void settle(call_cluster& cluster) {
    for (host_id at = 0; at < cluster.nodes(); ++at) cluster.start_node(at);
    for (host_id at = 0; at < cluster.clients(); ++at) cluster.start_client(at);
    REQUIRE(cluster.time.run_until(20'000 * ms, [&] { return cluster.converged(); }));
}

simulated_call call_of(const simulated_function& which) {
    simulated_call what;
    what.function = which.name;
    what.idempotent = which.idempotent;
    what.service_us = 1000;
    return what;
}

std::size_t count(const std::vector<std::string>& problems, std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        problems.begin(), problems.end(),
        [&](const std::string& each) { return each.find(text) != std::string::npos; }));
}

// Whether one of some seeds has a problem that reads so.
bool some_seed_sees(const mutations& without, std::string_view text) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed)
        if (count(run_call_scenario(seed, without).problems, text) != 0) return true;
    return false;
}

}  // namespace

TEST_CASE("calls in random lives of clusters have one answer each, and run no more than they may") {
    std::uint64_t first = 1;
    std::uint64_t last = 30;
    const char* chosen = std::getenv("DUNLIN_CALL_SEED");
    if (chosen != nullptr) first = last = std::strtoull(chosen, nullptr, 10);
    for (auto seed = first; seed <= last; ++seed) {
        const auto outcome = run_call_scenario(seed);
        if (chosen != nullptr) std::cout << outcome.story;
        for (const auto& problem : outcome.problems) {
            INFO("DUNLIN_CALL_SEED=" << seed << " runs this one alone");
            FAIL_CHECK(problem);
        }
    }
}

TEST_CASE("news of a node that is heard on one link may lead to another link") {
    // In this life that happened while the links were gone through.
    CHECK(run_call_scenario(2462).problems.empty());
}

TEST_CASE(
    "a call that comes back to a full node does not deny what an attempt elsewhere has done") {
    // In this life a function's call was lost with one node, and then refused at home.
    CHECK(run_call_scenario(1660).problems.empty());
}

TEST_CASE("the same seed has the same calls") {
    for (const std::uint64_t seed : {3u, 4u}) {
        const auto one = run_call_scenario(seed);
        const auto other = run_call_scenario(seed);
        CHECK(one.story == other.story);
        CHECK(one.steps == other.steps);
        CHECK(one.calls.values == other.calls.values);
        CHECK(one.calls.codes == other.calls.codes);
    }
}

TEST_CASE("quiet functions run on a node each, many calls at once on all, and all are answered") {
    call_cluster cluster(settings_of({{again, once}, {again, once}, {again, once}}, 5));
    settle(cluster);
    std::size_t failed = 0;
    for (int i = 0; i < 300; ++i) {
        cluster.client(0)->call(call_of(i % 2 == 0 ? again : once),
                                [&](const auto& with) { failed += with ? 0 : 1; });
        cluster.time.run_for(2 * ms);
    }
    cluster.time.run_for(1000 * ms);
    CHECK(failed == 0);
    CHECK(cluster.oracle.counted().values == 300);
    CHECK(cluster.oracle.counted().runs == 300);
    std::uint64_t most = 0;
    std::vector<std::uint64_t> before;
    for (host_id at = 0; at < 3; ++at) {
        before.push_back(cluster.node(at)->invocations_received());
        most = std::max<std::uint64_t>(most, before.back());
        CHECK((before.back() < 10 || before.back() > 140));
    }
    CHECK(most > 140);
    for (int i = 0; i < 60; ++i)
        cluster.client(0)->call(call_of(again), [&](const auto& with) { failed += with ? 0 : 1; });
    cluster.time.run_for(5000 * ms);
    CHECK(failed == 0);
    CHECK(cluster.oracle.counted().values == 360);
    for (host_id at = 0; at < 3; ++at)
        CHECK(cluster.node(at)->invocations_received() - before[at] > 10);
    CHECK(cluster.oracle.violations.empty());
    CHECK(cluster.left_over().empty());
}

TEST_CASE("a rolling restart in virtual time fails no call") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        INFO("seed " << seed);
        call_cluster cluster(settings_of({{again, once}, {again, once}, {again, once}}, seed));
        settle(cluster);
        std::size_t failed = 0;
        for (host_id at = 0; at < 3; ++at) {
            for (int i = 0; i < 1500; ++i) {
                if (i == 100) cluster.drain_node(at);
                if (i == 500) {
                    REQUIRE(cluster.node(at) == nullptr);
                    cluster.start_node(at);
                }
                auto what = call_of(i % 2 == 0 ? again : once);
                if (i % 3 == 0) what.key = "key-" + std::to_string(i % 17);
                cluster.client(0)->call(what, [&](const auto& with) {
                    if (with) return;
                    ++failed;
                    UNSCOPED_INFO(to_string(with.error()));
                });
                cluster.time.run_for(1 * ms);
            }
            CHECK(cluster.converged());
        }
        cluster.time.run_for(2000 * ms);
        CHECK(failed == 0);
        CHECK(cluster.oracle.counted().values == 4500);
        CHECK(cluster.oracle.violations.empty());
        CHECK(cluster.left_over().empty());
    }
}

TEST_CASE("a node that dies takes no idempotent call with it, and none runs twice that may not") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        INFO("seed " << seed);
        call_cluster cluster(settings_of({{again, once}, {again, once}, {again, once}}, seed));
        settle(cluster);
        std::size_t failed = 0;
        for (int i = 0; i < 600; ++i) {
            if (i == 200)
                cluster.kill_node(static_cast<host_id>(seed % 3),
                                  call_cluster::ending::connections_close);
            const auto& which = i % 2 == 0 ? again : once;
            cluster.client(0)->call(call_of(which), [&](const auto& with) {
                if (with) return;
                if (which.idempotent) ++failed;
                // Those that were under way there.
                CHECK(with.error().code == errc::unavailable);
            });
            cluster.time.run_for(1 * ms);
        }
        cluster.time.run_for(2000 * ms);
        CHECK(failed == 0);
        CHECK(cluster.oracle.violations.empty());
    }
}

TEST_CASE("a node that has lost its link to a member does not say that nobody serves a function") {
    // The node that is asked does not serve the function, so each of these calls travels.
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        INFO("seed " << seed);
        call_cluster cluster(settings_of({{}, {once}}, seed));
        settle(cluster);
        std::size_t failed = 0;
        for (int i = 0; i < 200; ++i) {
            if (i == 50) {
                for (int broken = 0; broken < 4; ++broken) cluster.sockets.break_one();
            }
            auto what = call_of(once);
            what.key = "key-" + std::to_string(i);
            cluster.client(0)->call(what, [&](const auto& with) {
                if (with) return;
                ++failed;
                INFO(to_string(with.error()));
                CHECK(with.error().code != errc::not_found);
            });
            cluster.time.run_for(2 * ms);
        }
        cluster.time.run_for(2000 * ms);
        CHECK(failed < 20);  // those that were under way
        CHECK(cluster.oracle.violations.empty());
    }
}

TEST_CASE("a way that is cut between two nodes alone costs no call that may run twice") {
    // c sees both, so b stays a member: only a can know that b is out of its reach.
    for (const bool both_ways : {false, true}) {
        for (std::uint64_t seed = 1; seed <= 5; ++seed) {
            INFO("seed " << seed << (both_ways ? ", both ways" : ", one way"));
            auto how = settings_of({{}, {again}, {again}}, seed);
            how.learn_members = false;
            call_cluster cluster(how);
            settle(cluster);
            std::size_t failed = 0;
            std::int64_t longest_ns = 0;
            std::int64_t late = 0;
            for (int i = 0; i < 3000; ++i) {
                if (i == 300) {
                    cluster.cut(0, 1);
                    if (both_ways) cluster.cut(1, 0);
                }
                auto what = call_of(again);
                what.timeout_ns = 3'000 * ms;
                const auto begun_ns = cluster.time.now_ns();
                cluster.client(0)->call(what, [&, begun_ns](const auto& with) {
                    const auto took_ns = cluster.time.now_ns() - begun_ns;
                    longest_ns = std::max(longest_ns, took_ns);
                    if (took_ns > 500 * ms) ++late;
                    if (with) return;
                    ++failed;
                    UNSCOPED_INFO(to_string(with.error()));
                });
                cluster.time.run_for(2 * ms);
            }
            cluster.time.run_for(4'000 * ms);
            CHECK(failed == 0);
            CHECK(longest_ns < 1'500 * ms);
            CHECK(late < 200);  // those of the first 200 ms, and no others later
            CHECK(cluster.oracle.violations.empty());
        }
    }
}

TEST_CASE("calls of clients that know one node survive the death of the node behind it") {
    for (const auto inner : {call_order::inner_call::none, call_order::inner_call::again}) {
        for (std::uint64_t seed = 1; seed <= 5; ++seed) {
            INFO("seed " << seed << (inner == call_order::inner_call::none ? "" : ", inner calls"));
            const simulated_function asks{"sim/asks", true};
            auto how = settings_of({{asks}, {again}, {again}, {again}}, seed);
            how.learn_members = false;
            call_cluster cluster(how);
            settle(cluster);
            std::size_t failed = 0;
            for (int i = 0; i < 1000; ++i) {
                if (i == 200) cluster.kill_node(1, call_cluster::ending::connections_close);
                if (i == 600) cluster.kill_node(2, call_cluster::ending::connections_close);
                auto what = call_of(again);
                if (inner != call_order::inner_call::none) {
                    what.function = asks.name;
                    what.inner = inner;
                }
                cluster.client(0)->call(what, [&](const auto& with) {
                    if (with) return;
                    ++failed;
                    UNSCOPED_INFO(to_string(with.error()));
                });
                cluster.time.run_for(1 * ms);
            }
            cluster.time.run_for(3000 * ms);
            CHECK(failed == 0);
            CHECK(cluster.oracle.violations.empty());
        }
    }
}

TEST_CASE("a key is run by one node while the members stay, and by the next when its owner dies") {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        INFO("seed " << seed);
        // The function is on two of three nodes, and those that wait for an owner come all at once.
        auto how = settings_of({{}, {again}, {again}}, seed);
        how.queue_depth_max = 1024;
        call_cluster cluster(how);
        settle(cluster);
        std::size_t failed = 0;
        std::map<std::string, std::set<call_number>> calls;
        const auto call_all = [&](int rounds) {
            for (int i = 0; i < rounds; ++i) {
                auto what = call_of(again);
                what.key = "key-" + std::to_string(i % 40);
                calls[what.key].insert(
                    static_cast<call_number>(cluster.oracle.counted().calls + 1));
                cluster.client(0)->call(what, [&](const auto& with) {
                    if (with) return;
                    ++failed;
                    UNSCOPED_INFO(to_string(with.error()));
                });
                cluster.time.run_for(2 * ms);
            }
        };
        call_all(200);
        // Connections break while the owner lives: its calls wait for it, and go nowhere else.
        for (int broken = 0; broken < 20; ++broken) {
            cluster.sockets.break_one();
            call_all(40);
        }
        cluster.time.run_for(3000 * ms);
        for (const auto& [key, numbers] : calls) {
            std::set<std::string> places;
            for (const auto number : numbers)
                for (const auto& each : cluster.oracle.places(number)) places.insert(each);
            INFO(key);
            CHECK(places.size() == 1);
        }
        cluster.kill_node(1, call_cluster::ending::connections_close);
        call_all(600);
        cluster.time.run_for(3000 * ms);
        CHECK(failed == 0);
        CHECK(cluster.oracle.violations.empty());
        CHECK(cluster.left_over().empty());
    }
}

// -- what the checks are for ----------------------------------------------------------------------

TEST_CASE("calls run twice where every function is taken for idempotent, and that is seen") {
    mutations without;
    without.all_idempotent = true;
    CHECK(some_seed_sees(without, "and is not idempotent"));
}

TEST_CASE("queues that take what comes are seen") {
    mutations without;
    without.queues_unbounded = true;
    CHECK(some_seed_sees(without, "calls wait for"));
}

TEST_CASE("a node that drains and tells nobody is seen") {
    mutations without;
    without.drains_unsaid = true;
    CHECK(some_seed_sees(without, "drains, and gets calls"));
}

TEST_CASE("a client that does not look at the clock is seen") {
    mutations without;
    without.clients_without_timers = true;
    CHECK(some_seed_sees(without, "has no answer at its deadline"));
}

TEST_CASE("messages that come twice run calls twice, unless a window remembers them") {
    for (const bool remembered : {false, true}) {
        INFO("remembered: " << remembered);
        auto how = settings_of({{again, once}, {again}, {again, once}}, 11);
        how.clients = 2;
        how.dedupe = remembered;
        call_cluster cluster(how);
        settle(cluster);
        cluster.sockets.quality.duplication = 0.2;
        for (int i = 0; i < 200; ++i) {
            for (host_id at = 0; at < 2; ++at)
                cluster.client(at)->call(call_of(i % 2 == 0 ? again : once));
            cluster.time.run_for(3 * ms);
        }
        cluster.time.run_for(2000 * ms);
        CHECK((count(cluster.oracle.violations, "ran twice") > 0) != remembered);
    }
}

TEST_CASE("views that stay apart are seen") {
    call_cluster cluster(settings_of({{again}, {again}, {again}}, 2));
    settle(cluster);
    for (host_id other : {1u, 2u}) {
        cluster.cut(0, other);
        cluster.cut(other, 0);
    }
    cluster.time.run_for(5000 * ms);
    CHECK_FALSE(cluster.converged());
    cluster.mend();
    CHECK(cluster.time.run_until(cluster.time.now_ns() + 10'000 * ms,
                                 [&] { return cluster.converged(); }));
}

TEST_CASE("the oracle sees what must not be") {
    call_oracle oracle;
    const auto sees = [&](std::string_view text) {
        const bool seen = oracle.violations.size() == 1 &&
                          oracle.violations.front().find(text) != std::string::npos;
        oracle.violations.clear();
        return seen;
    };
    const auto number = oracle.begin(1, false, 100 * ms);
    oracle.ran(number, 0, "n0", 1);
    CHECK(oracle.violations.empty());
    oracle.ran(number, 0, "n1", 2);
    CHECK(sees("ran twice"));
    oracle.ran(number, 1, "n1", 3);
    CHECK(sees("is not idempotent"));
    error unrun{errc::unavailable, "it drains"};
    unrun.did_not_run = true;
    oracle.answered(number, dunlin::result<void>(unrun), 4);
    CHECK(sees("has run, and was answered"));
    oracle.answered(number, {}, 5);
    CHECK(sees("answered 2 times"));
    CHECK(oracle.open() == 0);

    oracle.answered(oracle.begin(1, true, 100 * ms), {}, 6);
    CHECK(sees("never ran"));
    const auto late = oracle.begin(1, true, 100 * ms);
    oracle.check(100 * ms + call_oracle::grace_ns + 1);
    CHECK(sees("no answer at its deadline"));
    oracle.ran(late, 0, "n0", 7);
    oracle.answered(late, {}, 200 * ms);
    CHECK(sees("after its deadline"));
    oracle.ran(99, 0, "n0", 8);
    CHECK(sees("nobody made"));
    const auto refused = oracle.begin(2, false, 100 * ms);
    oracle.answered(refused, dunlin::result<void>(unrun), 9);
    oracle.ran(refused, 0, "n0", 10);
    CHECK(sees("after it was said not to have run"));
}
