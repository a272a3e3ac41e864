// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_model.hpp"

#include "runtime/program/top_view.hpp"
#include "runtime/text/json_payload.hpp"
#include "tests/support/catch.hpp"

#include <cstdint>
#include <string>
#include <utility>

using namespace dunlin;
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
    answer.sample.functions[function] = {.invocations = calls,
                                         .refused = calls / 10,
                                         .queue_depth = 2,
                                         .latency = std::move(latency)};
    return answer;
}

top_model with_functions(int count) {
    top_model model;
    for (int i = 0; i < count; ++i) {
        top_function one;
        one.name = (i % 2 == 0 ? "text/f" : "bench/f") + std::to_string(i);
        one.calls = i < count / 2 ? 1 : 0;
        model.functions.push_back(std::move(one));
    }
    return model;
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

TEST_CASE("actors that rise and fall are counted over the nodes, and so is what calls paid") {
    top_history history;
    observation seen;
    seen.members = {living("n1", 1), living("n2", 2)};
    seen.asked = {1, 2};
    const auto at = [&](std::uint64_t node, std::int64_t taken_ns) -> function_sample& {
        seen.answers[node] = counted(taken_ns, 0);
        return seen.answers[node].sample.functions["a/f"];
    };
    at(1, 0).started = 7;
    at(2, 0).retired = 100;
    (void)history.add(seen);
    auto& first = at(1, 2 * second_ns);
    first.activations = 5;
    first.started = 27;
    first.retired = 22;
    first.cold_calls = 8;
    auto& second = at(2, 2 * second_ns);  // another process of that name and number: all is new
    second.activations = 3;
    second.started = 3;
    const auto model = history.add(seen);
    REQUIRE(model.functions.size() == 1);
    CHECK(model.functions[0].activations == 8);
    CHECK(model.functions[0].started_rate == 11.5);
    CHECK(model.functions[0].retired_rate == 11);
    CHECK(model.functions[0].cold_calls_rate == 4);
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

TEST_CASE("a counter that went back has counted anew, and latencies are what the buckets gained") {
    top_history history;
    observation seen;
    seen.members = {living("n1", 1)};
    seen.answers[1] = counted(0, 100, {{8, 5}, {10, 7}, {12, 9}});
    (void)history.add(seen);
    seen.answers[1] = counted(second_ns, 40, {{8, 5}, {10, 9}, {12, 4}, {64, 1}});
    const auto model = history.add(seen);
    CHECK(model.nodes[0].rates->calls == 40);
    CHECK(model.functions[0].latency == latency_buckets{{10, 2}, {12, 4}, {64, 1}});
}

TEST_CASE("a node's figures are read, and those of its own functions are not") {
    const auto sample = read_sample(runtime::payload_from_json(R"({"node": "n1", "calls_open": 3,
            "calls_forwarded": 4, "calls_retried": 5, "busy": 0.5, "functions": [
                {"name": "dunlin/stats", "invocations": 9},
                {"name": "text/count", "invocations": 10, "refused": 2, "queue_depth": 1,
                 "latency": [[8.0, 6], [10.0, 4], [8.0, 1], ["x", 1], [5]]}, 7]})")
                                        .value())
                            .value();
    CHECK(sample.node == "n1");
    CHECK(sample.calls_open == 3);
    CHECK(sample.forwarded == 4);
    CHECK(sample.retried == 5);
    CHECK(sample.busy == 0.5);
    REQUIRE(sample.functions.size() == 1);
    const auto& count = sample.functions.at("text/count");
    CHECK(count.invocations == 10);
    CHECK(count.refused == 2);
    CHECK(count.queue_depth == 1);
    CHECK(count.latency == latency_buckets{{8.0, 7}, {10.0, 4}});
}

TEST_CASE("a space is read from a node's figures, and summed up over the nodes with its rates") {
    const auto counted_spaces = [](std::int64_t taken_ns, const std::string& spaces) {
        observation::answer answer;
        answer.taken_ns = taken_ns;
        answer.sample = read_sample(runtime::payload_from_json(R"({"node": "n", "functions": [],
            "state": {"store": null, "spaces": )" + spaces + "}}")
                                        .value())
                            .value();
        return answer;
    };
    top_history history;
    observation seen;
    seen.members = {living("n1", 1, true), living("n2", 2)};
    seen.asked = {1, 2};
    seen.answers[1] = counted_spaces(0, R"([{"space": "visitors", "turns": 100, "found": 90,
        "missed": 10, "reads": 9, "commits": 50, "batches": 5, "gate": [[64.0, 10]]}, 7])");
    seen.answers[2] = counted_spaces(0, "[]");
    static_cast<void>(history.add(seen));
    seen.answers[1] = counted_spaces(2 * second_ns, R"([{"space": "visitors", "turns": 300,
        "found": 280, "missed": 20, "reads": 13, "commits": 70, "batches": 11, "waiting": 3,
        "batches_failed": 2, "conflicts": 1, "keys_in_memory": 8, "bytes_in_memory": 800,
        "gate": [[64.0, 12], [128.0, 1]], "refused": null}])");
    seen.answers[2] = counted_spaces(2 * second_ns, R"([{"space": "visitors", "keys_in_memory": 2,
        "bytes_in_memory": 200, "refused": "another store"}])");
    const auto model = history.add(seen);
    REQUIRE(model.spaces.size() == 1);
    const auto& space = model.spaces.front();
    CHECK(space.name == "visitors");
    CHECK(space.nodes == 2);
    CHECK(space.refused_by == 1);
    CHECK(space.keys == 10);
    CHECK(space.bytes == 1000);
    CHECK(space.waiting == 3);
    CHECK(space.found == 190);
    CHECK(space.missed == 10);
    CHECK(space.turns_rate == 100);
    CHECK(space.loads_rate == 2);
    CHECK(space.writes_rate == 10);
    CHECK(space.batches_rate == 3);
    CHECK(space.failures_rate == 1);
    CHECK(space.conflicts_rate == 0.5);
    CHECK(space.gate == latency_buckets{{64, 2}, {128, 1}});
}

TEST_CASE("figures that are none are an error") {
    CHECK(read_sample(runtime::payload_from_json("[1]").value()).error().code == errc::internal);
}

TEST_CASE("a quantile is the end of the bucket that holds it") {
    const latency_buckets counted{{10, 50}, {20, 49}, {1000, 1}};
    CHECK(quantile_us(counted, 0.5) == 10);
    CHECK(quantile_us(counted, 0.51) == 20);
    CHECK(quantile_us(counted, 0.99) == 20);
    CHECK(quantile_us(counted, 0.991) == 1000);
    CHECK(quantile_us(counted, 1) == 1000);
    CHECK(quantile_us({{40, 1}}, 0.01) == 40);
    CHECK(quantile_us({}, 0.5) == 0);
}

TEST_CASE("top's functions are moved through by keys, and never out of sight") {
    top_scroll scroll;
    const auto above = [&](std::string_view keys) {
        CHECK_FALSE(scroll.press(keys));
        return scroll.apply(with_functions(20)).functions_above;
    };
    CHECK(above("") == 0);
    CHECK(above("k") == 0);
    CHECK(above("jj") == 2);
    CHECK(above("\x1b[B\x1bOB") == 4);
    CHECK(above("\x1b[A") == 3);
    CHECK(above("\x1b[6~") == 13);
    CHECK(above("\x1b[5~") == 3);
    CHECK(above("x\x1b[") == 3);
    CHECK(above("   ") == 19);
    CHECK(above("g") == 0);
    CHECK(scroll.press("jq"));
    CHECK(scroll.apply({}).functions_above == 0);
}

TEST_CASE("top shows the functions that are asked for") {
    top_scroll scroll("text/");
    CHECK(scroll.apply(with_functions(20)).functions.size() == 10);
    CHECK_FALSE(scroll.press("i"));
    const auto busy = scroll.apply(with_functions(20));
    CHECK(busy.functions.size() == 5);
    for (const auto& each : busy.functions) CHECK(each.name.starts_with("text/"));
    CHECK_FALSE(scroll.press("i"));
    CHECK(scroll.apply(with_functions(20)).functions.size() == 10);
}

TEST_CASE("top says how many functions are scrolled past") {
    top_scroll scroll;
    CHECK_FALSE(scroll.press("jjj"));
    const auto text = top_text(scroll.apply(with_functions(20)), {80, 12});
    CHECK_THAT(text, Catch::Contains("FUNCTION (3 above)  CALLS/S"));
    CHECK(text.find("text/f2 ") == std::string::npos);
    CHECK_THAT(text, Catch::Contains("\nbench/f3 "));
    CHECK_THAT(text, Catch::Contains(" more\n"));
}
