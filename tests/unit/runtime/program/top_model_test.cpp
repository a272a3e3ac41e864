// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_model.hpp"

#include "tests/support/catch.hpp"

#include <cstdint>
#include <string>
#include <utility>

using namespace dunlin::program;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

member living(std::string name, std::uint64_t instance, bool asked = false) {
    member one;
    one.name = std::move(name);
    one.state = "alive";
    one.instance = instance;
    one.asked = asked;
    return one;
}

observation::answer counted(std::int64_t taken_ns, std::uint64_t calls,
                            latency_buckets latency = {}, const std::string& function = "a/f") {
    observation::answer answer;
    answer.taken_ns = taken_ns;
    answer.sample.functions[function] = {calls, calls / 10, 2, std::move(latency)};
    return answer;
}

}  // namespace

TEST_CASE("rates come from two answers and the time between them") {
    top_history history;
    observation seen;
    seen.members = {living("n1", 1, true)};
    seen.asked = {1};
    seen.answers[1] = counted(5 * second_ns, 100);
    const auto first = history.add(seen);
    CHECK(first.asked == "n1");
    REQUIRE(first.nodes.size() == 1);
    CHECK(first.nodes[0].answers);
    CHECK_FALSE(first.nodes[0].rates);
    REQUIRE(first.functions.size() == 1);
    CHECK(first.functions[0].calls == 0);

    auto& now = seen.answers[1];
    now = counted(7 * second_ns, 300);
    now.sample.forwarded = 40;
    now.sample.retried = 6;
    now.sample.calls_open = 3;
    now.sample.busy = 0.25;
    const auto second = history.add(seen);
    REQUIRE(second.nodes[0].rates);
    CHECK(second.nodes[0].rates->seconds == 2);
    CHECK(second.nodes[0].rates->calls == 200);
    CHECK(second.nodes[0].rates->calls_rate == 100);
    CHECK(second.nodes[0].rates->forwarded_rate == 20);
    CHECK(second.nodes[0].rates->retried_rate == 3);
    CHECK(second.nodes[0].calls_open == 3);
    CHECK(second.nodes[0].busy == 0.25);
    CHECK(second.functions[0].calls_rate == 100);
    CHECK(second.functions[0].refused_rate == 10);
    CHECK(second.functions[0].queue_depth == 2);
}

TEST_CASE("a function is summed up over the nodes that serve it") {
    top_history history;
    observation seen;
    seen.members = {living("n1", 1), living("n2", 2)};
    seen.asked = {1, 2};
    seen.answers[1] = counted(0, 0, {{8, 1}});
    seen.answers[2] = counted(0, 0);
    (void)history.add(seen);
    seen.answers[1] = counted(second_ns, 50, {{8, 51}});
    seen.answers[2] = counted(2 * second_ns, 50, {{8, 40}, {100, 10}});
    seen.answers[2].sample.functions["b/g"] = {};
    const auto model = history.add(seen);
    REQUIRE(model.functions.size() == 2);
    const auto& f = model.functions[0];
    CHECK(f.name == "a/f");
    CHECK(f.nodes == 2);
    CHECK(f.calls == 100);
    CHECK(f.calls_rate == 75);
    CHECK(f.queue_depth == 4);
    CHECK(f.latency == latency_buckets{{8, 90}, {100, 10}});
    CHECK(model.functions[1].name == "b/g");
    CHECK(model.functions[1].nodes == 1);
}

TEST_CASE("a node that missed a round is measured over the longer time") {
    top_history history;
    observation seen;
    seen.members = {living("n1", 1)};
    seen.asked = {1};
    seen.answers[1] = counted(0, 0);
    (void)history.add(seen);
    seen.answers.clear();
    const auto silent = history.add(seen);
    CHECK_FALSE(silent.nodes[0].answers);
    CHECK_FALSE(silent.nodes[0].rates);
    CHECK(silent.functions.empty());
    seen.answers[1] = counted(4 * second_ns, 400);
    CHECK(history.add(seen).nodes[0].rates->calls_rate == 100);
}

TEST_CASE("a node that was started anew begins with nothing known of it") {
    top_history history;
    observation seen;
    seen.members = {living("n1", 1)};
    seen.answers[1] = counted(0, 1000);
    (void)history.add(seen);
    seen.members = {living("n1", 9)};
    seen.answers.clear();
    seen.answers[9] = counted(second_ns, 5);
    CHECK_FALSE(history.add(seen).nodes[0].rates);
    seen.answers[9] = counted(2 * second_ns, 12);
    CHECK(history.add(seen).nodes[0].rates->calls_rate == 7);
}

TEST_CASE("nodes that are gone are not shown, and who was not asked is told from who is silent") {
    top_history history;
    observation seen;
    auto dead = living("n0", 3);
    dead.state = "dead";
    seen.members = {dead, living("n1", 1), living("n2", 2)};
    seen.asked = {1};
    const auto model = history.add(seen);
    REQUIRE(model.nodes.size() == 2);
    CHECK(model.nodes[0].asked);
    CHECK_FALSE(model.nodes[0].answers);
    CHECK_FALSE(model.nodes[1].asked);
}

TEST_CASE("answers that were taken at the same moment give no rates") {
    top_history history;
    observation seen;
    seen.members = {living("n1", 1)};
    seen.answers[1] = counted(second_ns, 5);
    (void)history.add(seen);
    CHECK_FALSE(history.add(seen).nodes[0].rates);
}
