// SPDX-License-Identifier: Apache-2.0
#include "cluster/spread.hpp"

#include "tests/support/catch.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

using namespace dunlin::cluster;

namespace {

constexpr std::int64_t now = 10'000'000'000;
constexpr std::int64_t ms = 1'000'000;

/// Four servers, 4 ms of service.
candidate node(std::uint32_t idle, std::int64_t wait_ns = 0) {
    candidate made;
    made.learn({.wait_ns = wait_ns, .step_ns = ms, .idle = idle, .busy = 0.5F}, 0, now);
    made.service_ns = 4 * ms;
    made.rtt_ns = ms / 10;
    return made;
}

candidate own(std::uint32_t idle, std::int64_t wait_ns = 0) {
    auto made = node(idle, wait_ns);
    made.local = true;
    made.rtt_ns = 0;
    return made;
}

/// How often each node is chosen.
std::vector<int> tally(const std::vector<candidate>& nodes, int times,
                       const std::vector<std::uint32_t>& tried = {}) {
    spread choice(1);
    std::vector<int> counts(nodes.size());
    for (int i = 0; i < times; ++i) {
        const auto chosen = choice.choose(nodes, tried, now);
        REQUIRE(chosen < nodes.size());
        ++counts[chosen];
    }
    return counts;
}

}  // namespace

TEST_CASE("spread has no answer without candidates, and one with one") {
    spread choice(1);
    CHECK(choice.choose({}, {}, now) == spread::none);
    CHECK(tally({node(0, 50 * ms)}, 10)[0] == 10);
    CHECK(tally({own(0, 50 * ms)}, 10)[0] == 10);
}

TEST_CASE("spread keeps calls while the own node is quick") {
    CHECK(tally({node(4), own(4), node(4)}, 100)[1] == 100);
    // The next server is free before the hop would be over.
    auto short_calls = own(0);
    short_calls.report.step_ns = ms / 20;
    CHECK(tally({node(4), short_calls, node(4)}, 100)[1] == 100);
}

TEST_CASE("spread sends calls to where they start sooner, hop included") {
    CHECK(tally({own(0, 5 * ms), node(1), node(0, 5 * ms)}, 100)[1] == 100);
    CHECK(tally({own(0, 5 * ms), node(0, 6 * ms), node(0, 7 * ms)}, 100)[0] == 100);
    auto far = node(4);
    far.rtt_ns = 80 * ms;
    CHECK(tally({own(0, 5 * ms), far}, 100)[0] == 100);
}

TEST_CASE("spread relieves the own node when another one has been less busy, not for tiny calls") {
    auto loaded = own(2);
    loaded.report.busy = 0.9F;
    CHECK(tally({loaded, node(2), node(2)}, 100)[0] == 0);
    loaded.service_ns = 50'000;  // 40 % of that is less than the hop
    CHECK(tally({loaded, node(2), node(2)}, 100)[0] == 100);
    loaded = own(2);
    loaded.report.busy = 0.51F;
    CHECK(tally({loaded, node(2), node(2)}, 100)[0] == 100);
}

TEST_CASE("spread without an own node shares in proportion to capacity") {
    auto slow = node(1);
    slow.report.step_ns = 4 * ms;
    slow.capacity = capacity_of(slow.report.step_ns);
    std::vector<candidate> nodes(20, node(1));
    nodes.insert(nodes.end(), 20, slow);
    const auto counts = tally(nodes, 20'000);
    int fast_sum = 0;
    int slow_sum = 0;
    for (int i = 0; i < 20; ++i) fast_sum += counts[static_cast<std::size_t>(i)];
    for (int i = 20; i < 40; ++i) slow_sum += counts[static_cast<std::size_t>(i)];
    CHECK(fast_sum == Approx(4 * slow_sum).epsilon(0.1));
}

TEST_CASE("spread counts what was sent since the report") {
    auto first = node(2);
    const auto second = node(0, 3 * ms);
    CHECK(predicted_wait_ns(first, now) == 0);
    first.sent_since = 1;
    CHECK(predicted_wait_ns(first, now) == 0);
    first.sent_since = 2;
    CHECK(predicted_wait_ns(first, now) == Approx(1 * ms));
    first.sent_since = 3;
    CHECK(predicted_wait_ns(first, now) == Approx(2 * ms));
    CHECK(tally({first, second}, 50)[0] == 50);
    first.sent_since = 5;
    CHECK(tally({first, second}, 50)[1] == 50);
}

TEST_CASE("spread counts calls that were on their way when the report was made") {
    auto first = node(0, 90 * ms);
    first.sent_since = 7;
    first.learn({.wait_ns = 0, .step_ns = 2 * ms, .idle = 2, .busy = 0}, 3, now + 1);
    CHECK(first.sent_since == 3);
    CHECK(first.capacity == Approx(500));
    CHECK(first.reported_at_ns == now + 1);
    CHECK(predicted_wait_ns(first, now + 1) == Approx(4 * ms));
}

TEST_CASE("spread expects half-finished work where no server is idle and nobody waits") {
    CHECK(predicted_wait_ns(node(0, 0), now) == Approx(1 * ms));
}

TEST_CASE("spread takes no difference seriously that is smaller than the reports are old") {
    std::vector<candidate> nodes{node(0, 10 * ms), node(0, 15 * ms)};
    for (auto& each : nodes) each.reported_at_ns = now - 4 * ms;
    CHECK(tally(nodes, 200)[1] == 0);
    for (auto& each : nodes) each.reported_at_ns = now - 6 * ms;
    CHECK(tally(nodes, 200)[1] > 50);
    nodes[1].reported_at_ns = now;  // one of them is sure
    CHECK(tally(nodes, 200)[1] == 0);
}

TEST_CASE("spread trusts a report for a while, then lets its queue drain") {
    auto busy = node(0, 100 * ms);
    busy.reported_at_ns = now - report_trusted_ns;
    CHECK(predicted_wait_ns(busy, now) == Approx(100 * ms));
    CHECK(predicted_wait_ns(busy, now + 40 * ms) == Approx(60 * ms));
    CHECK(predicted_wait_ns(busy, now + 400 * ms) == 0);
    // A clock that stands still or seems to go back is no reason to think otherwise.
    CHECK(predicted_wait_ns(busy, busy.reported_at_ns) == Approx(100 * ms));
    CHECK(predicted_wait_ns(busy, 0) == Approx(100 * ms));
}

TEST_CASE("spread avoids nodes that refused until nothing else is left") {
    auto refused = node(4);
    refused.now = standing::avoided;
    CHECK(tally({refused, node(0, 900 * ms)}, 50)[1] == 50);
    CHECK(tally({refused, own(0, 900 * ms)}, 50)[1] == 50);
    CHECK(tally({refused}, 50)[0] == 50);
    auto own_refused = own(4);
    own_refused.now = standing::avoided;
    CHECK(tally({own_refused, node(0, 900 * ms)}, 50)[1] == 50);
    CHECK(tally({own_refused}, 50)[0] == 50);
    CHECK(tally({own_refused, refused}, 50)[0] == 50);
}

TEST_CASE("spread never chooses a barred node or one that had the call") {
    auto barred = node(4);
    barred.now = standing::barred;
    spread choice(1);
    CHECK(choice.choose(std::array{barred, barred}, {}, now) == spread::none);
    CHECK(tally({barred, node(0, 900 * ms)}, 50)[1] == 50);
    CHECK(tally({own(4), node(0, 900 * ms)}, 50, {0})[1] == 50);
    CHECK(tally({node(4), node(4), node(0, 900 * ms)}, 50, {0, 1})[2] == 50);
    const std::vector<std::uint32_t> all{0, 1};
    CHECK(choice.choose(std::array{own(4), node(4)}, all, now) == spread::none);
    // What is tried may be no longer in the list.
    CHECK(tally({node(1)}, 5, {7})[0] == 5);
}

TEST_CASE("spread does not flood a node that has not reported yet") {
    candidate unheard;
    unheard.rtt_ns = ms / 10;
    std::vector<candidate> nodes{unheard, node(0, 20 * ms)};
    spread choice(1);
    int sent = 0;
    while (choice.choose(nodes, {}, now) == 0 && sent < 1'000) {
        nodes[0].reported_at_ns = now;
        nodes[0].sent_since = static_cast<std::uint32_t>(++sent);
    }
    CHECK(sent > 5);
    CHECK(sent <= 20);
}

TEST_CASE("spread finds a node whatever peers report") {
    constexpr auto huge = std::numeric_limits<std::int64_t>::max();
    auto hostile = node(0, huge);
    hostile.report.step_ns = huge;
    hostile.sent_since = std::numeric_limits<std::uint32_t>::max();
    hostile.rtt_ns = huge;
    CHECK(tally({hostile, node(0, 5 * ms)}, 50)[1] == 50);
    CHECK(tally({hostile}, 5)[0] == 5);
    auto negative = node(0, -huge);
    negative.report.step_ns = -5;
    negative.report.busy = -std::numeric_limits<float>::infinity();
    CHECK(predicted_wait_ns(negative, now) >= 0);
    for (const auto capacity : {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN(),
                                std::numeric_limits<float>::infinity()}) {
        negative.capacity = capacity;
        negative.report.busy = capacity;
        tally({negative, negative, node(1)}, 50);
        tally({own(1), negative, hostile}, 50);
    }
    CHECK(capacity_of(0) == 1'000);
    CHECK(capacity_of(-7) == 1'000);
    CHECK(capacity_of(huge) > 0);
}

TEST_CASE("spread repeats its choices with its seed") {
    const std::vector<candidate> nodes(9, node(1));
    spread one(42);
    spread same(42);
    for (int i = 0; i < 100; ++i) {
        CHECK(one.choose(nodes, {}, now) == same.choose(nodes, {}, now));
    }
}

TEST_CASE("what was sent just now is not taken for gone because the report is old") {
    candidate node;
    node.reported_at_ns = 0;
    const std::int64_t long_after = 100 * report_trusted_ns;
    CHECK(predicted_wait_ns(node, long_after) == 0);
    for (int i = 0; i < 8; ++i) node.sent(long_after + i);
    CHECK(predicted_wait_ns(node, long_after + 8) == 8.0 * step_unknown_ns);
    CHECK(predicted_wait_ns(node, long_after + report_trusted_ns) == 8.0 * step_unknown_ns);
    // It drains from then on: a node that nobody asks does not stay forbidden.
    CHECK(predicted_wait_ns(node, long_after + report_trusted_ns + 8 * step_unknown_ns) == 0);
}

TEST_CASE("a burst of long calls is shared, whether anything is known of them or not") {
    constexpr int calls = 99;
    constexpr int servers = 8;
    const auto service_ns = GENERATE(std::int64_t{0}, std::int64_t{1'000'000'000});
    const auto age_ns = GENERATE(std::int64_t{1'000'000}, std::int64_t{60'000'000'000});
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        spread choice(seed);
        std::vector<candidate> nodes(3);
        const std::int64_t now_ns = 100'000'000'000;
        nodes[0].local = true;
        nodes[0].service_ns = service_ns;
        for (auto& each : nodes) {
            if (&each == &nodes[0]) continue;
            each.rtt_ns = 200'000;
            each.reported_at_ns = now_ns - age_ns;
            if (service_ns != 0)
                each.learn(
                    {.wait_ns = 0, .step_ns = service_ns / servers, .idle = servers, .busy = 0.3F},
                    0, now_ns - age_ns);
        }
        std::vector<int> shares(3);
        for (int i = 0; i < calls; ++i) {
            // The own node knows itself exactly.
            const int ahead = shares[0] - servers + 1;
            const auto step_ns = service_ns == 0 ? step_unknown_ns : service_ns / servers;
            nodes[0].learn({.wait_ns = std::max(ahead, 0) * step_ns,
                            .step_ns = service_ns / servers,
                            .idle = static_cast<std::uint32_t>(std::max(servers - shares[0], 0)),
                            .busy = 0.3F},
                           0, now_ns);
            const auto at_ns = now_ns + 1000 * i;
            const auto to = choice.choose(nodes, {}, at_ns);
            if (to != 0) nodes[to].sent(at_ns);
            ++shares[to];
        }
        INFO(shares[0] << " " << shares[1] << " " << shares[2]);
        for (const auto share : shares) CHECK(std::abs(share - calls / 3) <= calls / 3 / 5);
    }
}

TEST_CASE("a node that has told nothing of a function is taken to be like those that have") {
    constexpr int calls = 99;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        spread choice(seed);
        std::vector<candidate> nodes(3);  // as a client has them that knew one node at first
        const std::int64_t now_ns = 100'000'000'000;
        nodes[0].learn({.wait_ns = 0, .step_ns = 25'000'000, .idle = 4, .busy = 1.0F}, 0, now_ns);
        std::vector<int> shares(3);
        for (int i = 0; i < calls; ++i) {
            const auto to = choice.choose(nodes, {}, now_ns + 1000 * i);
            nodes[to].sent(now_ns + 1000 * i);
            ++shares[to];
        }
        INFO(shares[0] << " " << shares[1] << " " << shares[2]);
        for (const auto share : shares) CHECK(std::abs(share - calls / 3) <= calls / 3 / 5);
    }
}
