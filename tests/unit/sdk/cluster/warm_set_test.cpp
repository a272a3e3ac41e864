// SPDX-License-Identifier: Apache-2.0
#include "cluster/warm_set.hpp"

#include "cluster/rendezvous.hpp"
#include "tests/support/catch.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace dunlin::cluster;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t second = 1'000 * ms;
constexpr std::int64_t start = 100 * second;

using places = std::vector<std::uint32_t>;

/// A warm set over nodes `n0`, `n1` and so on, numbered here by its own order: node 0 is the first
/// in that order.
struct scene {
    explicit scene(std::size_t count) : nodes(count), set("test/f") {
        std::vector<std::pair<std::uint64_t, std::string>> ranked;
        for (std::size_t i = 0; i < count; ++i) {
            const auto name = "n" + std::to_string(i);
            ranked.emplace_back(mix(name_hash("test/f") + name_hash(name)), name);
        }
        std::sort(ranked.rbegin(), ranked.rend());
        for (std::uint32_t i = 0; i < count; ++i) set.add(i, name_hash(ranked[i].second));
    }
    /// Four servers, 4 ms of service each.
    void report(std::uint32_t node, float busy, std::uint32_t idle = 2) {
        nodes[node].learn({.wait_ns = idle > 0 ? 0 : ms, .step_ns = ms, .idle = idle, .busy = busy},
                          0, now);
    }
    void report_waiting(std::uint32_t node, std::uint32_t in_flight) {
        nodes[node].learn({.step_ns = ms,
                           .idle = 1'000,
                           .busy = 0.01F,
                           .in_flight = in_flight,
                           .room = room_of_waiting},
                          0, now);
    }
    /// The nodes among which the next call is chosen.
    places taken(const places& tried = {}) {
        for (std::uint32_t i = 0; i < nodes.size(); ++i) nodes[i].now = standings[i];
        set.narrow(nodes, tried, now);
        places left;
        for (std::uint32_t i = 0; i < nodes.size(); ++i)
            if (nodes[i].now == standing::usable &&
                std::find(tried.begin(), tried.end(), i) == tried.end())
                left.push_back(i);
        return left;
    }

    std::vector<candidate> nodes;
    std::vector<standing> standings = std::vector<standing>(nodes.size(), standing::usable);
    warm_set set;
    std::int64_t now = start;
};

}  // namespace

TEST_CASE("a function that nobody has called is warm on one node") {
    scene s(3);
    CHECK(s.taken() == places{0});
    CHECK(s.set.width() == 1);
    CHECK(s.set.changes() == 0);
}

TEST_CASE("all who know the names agree on the order, and functions differ in theirs") {
    const std::vector<std::string> names{"alpha", "beta", "gamma", "delta"};
    std::vector<int> firsts(names.size());
    for (int f = 0; f < 400; ++f) {
        const auto function = "m/f" + std::to_string(f);
        warm_set one(function);
        warm_set other(function);
        for (std::uint32_t i = 0; i < 4; ++i) one.add(i, name_hash(names[i]));
        for (std::uint32_t i = 4; i-- > 0;) other.add(3 - i, name_hash(names[i]));
        std::vector<candidate> at_one(4);
        std::vector<candidate> at_other(4);
        one.narrow(at_one, {}, start);
        other.narrow(at_other, {}, start);
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(at_one[i].now == at_other[3 - i].now);
            firsts[i] += at_one[i].now == standing::usable ? 1 : 0;
        }
    }
    for (const auto count : firsts) CHECK(count == Approx(100).margin(35));
}

TEST_CASE("the order of nodes is what WIRE.md says") {
    warm_set set("bench/echo");
    for (std::uint32_t i = 0; i < 3; ++i) set.add(i, name_hash("node-" + std::to_string(i + 1)));
    std::vector<candidate> nodes(3);
    places order;
    for (int i = 0; i < 3; ++i) {
        for (auto& each : nodes) each.now = standing::usable;
        set.narrow(nodes, order, start);
        for (std::uint32_t at = 0; at < 3; ++at)
            if (nodes[at].now == standing::usable &&
                std::find(order.begin(), order.end(), at) == order.end()) {
                order.push_back(at);
                break;
            }
    }
    CHECK(order == places{1, 0, 2});
}

TEST_CASE("nodes that take no calls now are passed over, and so are those that had the call") {
    for (const auto away : {standing::barred, standing::avoided}) {
        scene s(3);
        s.standings[0] = away;
        CHECK(s.taken() == places{1});
        s.standings[0] = standing::usable;
        CHECK(s.taken() == places{0});
        CHECK(s.taken({0}) == places{1});
        CHECK(s.taken({0, 1}) == places{2});
        CHECK(s.taken({0, 1, 2}).empty());
    }
    SECTION("those to avoid stay when there are no others") {
        scene s(2);
        s.standings = {standing::avoided, standing::avoided};
        s.taken();
        CHECK(s.nodes[0].now == standing::avoided);
        CHECK(s.nodes[1].now == standing::avoided);
    }
    SECTION("a node that has left is in no set") {
        scene s(3);
        s.set.remove(0);
        CHECK(s.taken()[1] == 1);  // nobody's place is not narrowed: whose it was barred it
    }
}

TEST_CASE("far nodes come after those that are near") {
    scene s(3);
    s.nodes[0].rtt_ns = warm_set::far_ns;
    CHECK(s.taken() == places{1});
    s.nodes[1].rtt_ns = s.nodes[2].rtt_ns = warm_set::far_ns;
    CHECK(s.taken() == places{0});
}

TEST_CASE("the set grows at once beyond the share, and says why") {
    scene s(3);
    s.report(0, 0.69F);
    CHECK(s.taken() == places{0});
    s.report(0, 0.75F);
    CHECK(s.taken() == places{0, 1});
    CHECK(s.set.changes() == 1);
    CHECK(s.set.last_change().at_ns == s.now);
    CHECK(s.set.last_change().from == 1);
    CHECK(s.set.last_change().to == 2);
    CHECK(s.set.last_change().used == Approx(0.75));
    CHECK(s.set.last_change().limit == warm_set::grow_share);
    // The next one has to be warm before it counts: one at a time, by what both do.
    CHECK(s.taken() == places{0, 1});
    s.report(1, 0.75F);
    CHECK(s.taken() == places{0, 1, 2});
    for (std::uint32_t i = 0; i < 3; ++i) s.report(i, 1.0F);
    CHECK(s.taken() == places{0, 1, 2});
    CHECK(s.set.width() == 3);
}

TEST_CASE("a slow node counts for what it can do") {
    scene s(2);
    s.nodes[0].learn({.step_ns = ms, .idle = 2, .busy = 0.8F}, 0, s.now);
    CHECK(s.taken().size() == 2);
    // A quarter as quick, and idle: nine tenths of what there is lie elsewhere.
    s.nodes[1].learn({.step_ns = 9 * ms, .idle = 4, .busy = 0}, 0, s.now);
    s.nodes[0].report.busy = 0.44F;
    s.taken();
    s.now += 2 * second;
    for (auto& each : s.nodes) each.reported_at_ns = s.now;
    CHECK(s.taken() == places{0});
    CHECK(s.set.last_change().used == Approx(0.44));
}

TEST_CASE("a burst of calls that wait reaches every node while it is sent") {
    scene s(3);
    const bool told = GENERATE(true, false);
    if (told)
        for (std::uint32_t i = 0; i < 3; ++i) s.report_waiting(i, 0);
    spread choice(1);
    std::vector<int> shares(3);
    for (int call = 0; call < 100; ++call) {
        s.taken();
        const auto to = choice.choose(s.nodes, {}, s.now);
        REQUIRE(to < 3);
        s.nodes[to].sent(s.now);
        ++shares[to];
    }
    INFO(shares[0] << " " << shares[1] << " " << shares[2]);
    for (const auto share : shares) CHECK(std::abs(share - 33) <= 6);
}

TEST_CASE("calls that compute queue for a moment, then the next node stands by") {
    scene s(3);
    for (std::uint32_t i = 0; i < 3; ++i) s.report(i, 0.2F, 4);
    for (int call = 0; call < 5; ++call) {
        CHECK(s.taken() == places{0});
        s.nodes[0].sent(s.now);
    }
    s.nodes[0].sent(s.now);
    CHECK(s.taken() == places{0, 1});
    for (int call = 0; call < 6; ++call) s.nodes[1].sent(s.now);
    CHECK(s.taken() == places{0, 1, 2});
    CHECK(s.set.width() == 1);
    s.report(0, 0.3F);
    CHECK(s.taken() == places{0});
}

TEST_CASE("the set shrinks when its load has fitted into one node fewer for a while") {
    scene s(3);
    for (int i = 0; i < 2; ++i) {
        for (std::uint32_t node = 0; node < 3; ++node) s.report(node, 0.9F);
        s.taken();
    }
    REQUIRE(s.set.width() == 3);
    const auto at = [&](std::int64_t then, float busy) {
        s.now = then;
        for (std::uint32_t i = 0; i < 3; ++i) s.report(i, busy);
        s.set.heard(s.nodes, s.now);
        return s.set.width();
    };
    // Two would be used by half: no fewer than that.
    CHECK(at(start + second, 0.34F) == 3);
    CHECK(at(start + 5 * second, 0.34F) == 3);
    CHECK(at(start + 6 * second, 0.30F) == 3);
    CHECK(at(start + 7 * second - 1, 0.30F) == 3);
    SECTION("all that time") {
        CHECK(at(start + 7 * second, 0.34F) == 3);
        CHECK(at(start + 8 * second, 0.30F) == 3);
        CHECK(at(start + 9 * second, 0.30F) == 2);
    }
    SECTION("one at a time") {
        CHECK(at(start + 7 * second, 0.30F) == 2);
        CHECK(s.set.last_change().from == 3);
        CHECK(s.set.last_change().used == Approx(0.45));
        CHECK(s.set.last_change().limit == warm_set::fold_share);
        CHECK(at(start + 9 * second, 0.30F) == 2);  // one would be used by three fifths
        CHECK(at(start + 10 * second, 0.2F) == 2);
        CHECK(at(start + 11 * second, 0.2F) == 1);
        CHECK(at(start + 60 * second, 0.0F) == 1);
        SECTION("and waits longer the next time if it has to grow again") {
            s.now = start + 61 * second;
            s.report(0, 0.9F);
            CHECK(s.taken().size() == 2);
            CHECK(at(start + 70 * second, 0.1F) == 2);
            CHECK(at(start + 130 * second - 1, 0.1F) == 2);
            CHECK(at(start + 130 * second, 0.1F) == 1);
        }
    }
}

TEST_CASE("a node of the set that was not heard of for long gets the next call") {
    scene s(3);
    s.report(0, 0.9F);
    REQUIRE(s.taken() == places{0, 1});
    s.report(1, 0.9F);
    CHECK(s.taken() == places{0, 1, 2});
    s.report(2, 0.4F);
    s.now += report_trusted_ns;
    CHECK(s.taken() == places{0, 1, 2});
    s.report(0, 0.6F);
    s.now += ms;
    CHECK(s.taken() == places{1});
    s.nodes[1].sent(s.now);
    CHECK(s.taken() == places{2});
    CHECK(s.taken({2}) == places{0, 1});
    s.nodes[2].sent(s.now);
    CHECK(s.taken() == places{0, 1, 2});
}

TEST_CASE("nodes that tell nothing any more fade, and a load that has ended ends the set") {
    scene s(3);
    for (int i = 0; i < 2; ++i) {
        for (std::uint32_t node = 0; node < 3; ++node) s.report(node, 0.9F);
        s.taken();
    }
    REQUIRE(s.set.width() == 3);
    s.now += report_trusted_ns + warm_set::fade_ns / 2;
    s.taken();
    CHECK(s.set.width() == 3);
    s.now += warm_set::fade_ns / 2;
    s.taken();
    s.now += second;
    s.taken();
    s.now += second;
    s.taken();
    CHECK(s.set.width() == 1);
}

TEST_CASE("a warm set holds whatever peers report") {
    constexpr auto huge = std::numeric_limits<std::int64_t>::max();
    for (const auto busy :
         {std::numeric_limits<float>::quiet_NaN(), -1.0F, std::numeric_limits<float>::infinity()}) {
        for (const auto step : {huge, std::int64_t{0}, std::int64_t{-5}}) {
            scene s(3);
            for (std::uint32_t i = 0; i < 3; ++i)
                s.nodes[i].learn({.wait_ns = huge,
                                  .step_ns = step,
                                  .idle = 0,
                                  .busy = busy,
                                  .in_flight = std::numeric_limits<std::uint32_t>::max(),
                                  .room = i},
                                 0, s.now);
            for (int look = 0; look < 10; ++look) {
                CHECK_FALSE(s.taken().empty());
                s.now += second;
            }
            CHECK(s.set.width() <= 3);
        }
    }
}
