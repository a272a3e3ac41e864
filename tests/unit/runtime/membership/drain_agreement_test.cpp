// SPDX-License-Identifier: Apache-2.0
//
// Nodes that are told to drain at random moments, over a network that delays every message by a
// time of its own, but keeps the order of two that go the same way.
#include "runtime/membership/drain_agreement.hpp"

#include "runtime/membership/random.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

using namespace dunlin::runtime::membership;

namespace {

using verdict = drain_agreement::verdict;
constexpr std::int64_t ms = 1'000'000;

struct network {
    explicit network(std::size_t nodes, std::uint64_t seed) : random(seed) {
        for (instance_id i = 1; i <= nodes; ++i) all.emplace_back(i);
        verdicts.resize(nodes, verdict::none);
    }

    drain_agreement& node(instance_id which) { return all[which - 1]; }

    void tell_to_drain(instance_id which, std::int64_t at_ns) {
        events.emplace(at_ns, event{which, which, {}, true});
    }
    void send(instance_id from, instance_id to, message what) {
        auto& last = last_ns[{from, to}];
        last = std::max(last, now + 1 + random.below(delay_max_ms * 1'000'000));
        events.emplace(last, event{from, to, std::move(what), false});
    }
    void step(instance_id which) {
        std::vector<instance_id> to;
        node(which).take_questions(now, to);
        for (const auto each : to) send(which, each, node(which).question());
        const auto found = node(which).decide(now);
        if (found == verdict::leaves || found == verdict::stays) verdicts[which - 1] = found;
        const auto next = node(which).next_ns();
        if (next < now + 10'000 * ms)
            events.emplace(std::max(next, now + 1), event{no_instance, which, {}, false});
    }
    void run() {
        while (!events.empty()) {
            const auto next = events.extract(events.begin());
            now = next.key();
            const auto& what = next.mapped();
            if (what.begins) {
                std::vector<instance_id> others;
                for (instance_id i = 1; i <= all.size(); ++i)
                    if (i != what.to) others.push_back(i);
                node(what.to).begin(others, now);
            } else if (what.from != no_instance && !silent(what.to)) {
                if (what.said.kind == message_kind::drain_question)
                    send(what.to, what.from,
                         node(what.to).heard_question(what.from, what.said.sequence));
                else
                    node(what.to).heard_answer(what.from, what.said);
            }
            step(what.to);
        }
    }
    [[nodiscard]] bool silent(instance_id which) const {
        return std::find(mute.begin(), mute.end(), which) != mute.end();
    }
    [[nodiscard]] std::size_t count(verdict which) const {
        return static_cast<std::size_t>(std::count(verdicts.begin(), verdicts.end(), which));
    }

    struct event {
        instance_id from;
        instance_id to;
        message said;
        bool begins;
    };
    seeded_random random;
    std::uint32_t delay_max_ms = 20;
    std::int64_t now = 0;
    std::vector<drain_agreement> all;
    std::vector<verdict> verdicts;
    std::vector<instance_id> mute;
    std::multimap<std::int64_t, event> events;
    std::map<std::pair<instance_id, instance_id>, std::int64_t> last_ns;
};

}  // namespace

TEST_CASE("of nodes that are told to drain at once all leave but exactly one") {
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        INFO("seed " << seed);
        const std::size_t nodes = 2 + seed % 6;
        network together(nodes, seed);
        // Within a moment that is shorter, as long, or longer than messages take.
        const auto moment_ns = static_cast<std::uint32_t>(seed % 3 == 0 ? 1 : seed % 3 * 25 * ms);
        for (instance_id i = 1; i <= nodes; ++i)
            together.tell_to_drain(i, together.random.below(moment_ns) + 1);
        together.run();
        CHECK(together.count(verdict::stays) == 1);
        CHECK(together.count(verdict::leaves) == nodes - 1);
    }
}

TEST_CASE("nodes that are told to drain while another stays all leave, and soon") {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        INFO("seed " << seed);
        const std::size_t nodes = 3 + seed % 5;
        network together(nodes, seed);
        for (instance_id i = 2; i <= nodes; ++i)
            together.tell_to_drain(i, together.random.below(30 * ms) + 1);
        together.run();
        CHECK(together.count(verdict::leaves) == nodes - 1);
        CHECK(together.count(verdict::stays) == 0);
        CHECK(together.now < 250 * ms + 100 * ms);
    }
}

TEST_CASE("a node that stayed may be told again, when others have come") {
    network together(2, 1);
    together.tell_to_drain(1, 1);
    together.tell_to_drain(2, 1);
    together.run();
    REQUIRE(together.count(verdict::stays) == 1);
    const instance_id stayed = together.verdicts[0] == verdict::stays ? 1 : 2;
    auto& node = together.node(stayed);
    CHECK_FALSE(node.leaving());
    // The other has gone: it is the last.
    node.begin({}, together.now);
    CHECK(node.decide(together.now) == verdict::stays);
    // A third came.
    const std::vector<instance_id> third{3};
    node.begin(third, together.now);
    CHECK(node.decide(together.now) == verdict::undecided);
    message answer;
    answer.kind = message_kind::drain_answer;
    answer.sequence = node.question().sequence;
    node.heard_answer(3, answer);
    CHECK(node.decide(together.now) == verdict::leaves);
    CHECK(node.leaving());
}

TEST_CASE("members that die, or know nothing of draining, hold nobody back for good") {
    network together(3, 1);
    together.mute = {3};
    together.tell_to_drain(1, 1);
    together.run();
    CHECK(together.verdicts[0] == verdict::leaves);  // it lives, and was not told to leave
    CHECK(together.now >= drain_agreement::patience_ns);

    drain_agreement node(1);
    const std::vector<instance_id> others{2, 3};
    node.begin(others, 0);
    node.gone(2);
    CHECK(node.decide(1) == verdict::undecided);
    node.gone(3);
    CHECK(node.decide(2) == verdict::stays);
}

TEST_CASE("late answers to an earlier question count for nothing") {
    drain_agreement node(1);
    const std::vector<instance_id> others{2};
    node.begin(others, 0);
    const auto before = node.question().sequence;
    node.gone(2);
    REQUIRE(node.decide(0) == verdict::stays);
    node.begin(others, 1);
    message late;
    late.kind = message_kind::drain_answer;
    late.sequence = before;
    node.heard_answer(2, late);
    CHECK(node.decide(1) == verdict::undecided);
}
