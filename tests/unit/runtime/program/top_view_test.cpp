// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_view.hpp"

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace dunlin::program;

namespace {

top_node node(std::string name, double calls_rate) {
    top_node one;
    one.name = std::move(name);
    one.state = "alive";
    one.instance = 5;
    one.answers = true;
    one.calls_open = 64;
    one.busy = 0.931;
    one.bytes_held = 128;
    one.bytes_held_max = 512;
    one.rates = node_rates{1.0, static_cast<std::uint64_t>(calls_rate), calls_rate, 0.5, 0};
    return one;
}

top_function function(std::string name, double calls_rate) {
    top_function one;
    one.name = std::move(name);
    one.calls = static_cast<std::uint64_t>(calls_rate);
    one.calls_rate = calls_rate;
    one.latency = {{20, 98}, {1280, 2}};
    one.nodes = 2;
    one.activations = 48;
    one.started_rate = 12;
    one.retired_rate = 3;
    one.cold_calls_rate = 1.5;
    return one;
}

top_model small() {
    top_model model;
    model.asked = "n1";
    model.nodes = {node("n1", 12345), node("n2", 3)};
    model.nodes[0].asked_for_members = true;
    auto silent = top_node{};
    silent.name = "n3";
    silent.state = "suspect";
    model.nodes.push_back(silent);
    model.functions = {function("bench/echo", 12348)};
    return model;
}

top_model large() {
    top_model model;
    for (int i = 0; i < 30; ++i) model.nodes.push_back(node("node" + std::to_string(i), 1));
    model.nodes[29].state = "suspect";
    for (int i = 0; i < 30; ++i) model.functions.push_back(function("m/f" + std::to_string(i), 1));
    return model;
}

top_space space(std::string name) {
    top_space one;
    one.name = std::move(name);
    one.nodes = 2;
    one.keys = 1234;
    one.bytes = 567890;
    one.waiting = 3;
    one.found = 9;
    one.missed = 1;
    one.turns_rate = 5000;
    one.loads_rate = 12;
    one.writes_rate = 900;
    one.batches_rate = 300;
    one.gate = {{640, 98}, {5120, 2}};
    return one;
}

top_model with_spaces(int count) {
    auto model = small();
    for (int i = 0; i < count; ++i) model.spaces.push_back(space("space" + std::to_string(i)));
    return model;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

}  // namespace

TEST_CASE("a cluster at a glance") {
    CHECK(top_text(small(), {}) ==
          "3 nodes as seen by n1, 12,348 calls/s, 1 without an answer\n"
          "\n"
          "NODE  STATE               CALLS/S  IN FLIGHT  BUSY  FORWARDED/S  RETRIED/S  HELD\n"
          "n1 *  alive                12,345         64   93%          0.5          0   25%\n"
          "n2    alive                   3.0         64   93%          0.5          0   25%\n"
          "n3    suspect, no answer        -          -     -            -          -     -\n"
          "\n"
          "FUNCTION    CALLS/S   P50    P99  QUEUE  ACTORS  REFUSED/S  NODES  STARTS/S\n"
          "bench/echo   12,348  20us  1.3ms      0      48          0      2        12\n");
}

TEST_CASE("functions that have calls which never return show how many") {
    auto model = small();
    model.functions.front().stuck = 3;
    const auto shown = lines_of(top_text(model, {}));
    CHECK(shown[7] ==
          "FUNCTION    CALLS/S   P50    P99  QUEUE  ACTORS  REFUSED/S  NODES  STUCK  STARTS/S");
    CHECK(shown[8] ==
          "bench/echo   12,348  20us  1.3ms      0      48          0      2      3        12");
}

TEST_CASE("how many actors start is left out before anything else") {
    const auto shown = lines_of(top_text(small(), {70, 24}));
    CHECK(shown[7] == "FUNCTION    CALLS/S   P50    P99  QUEUE  ACTORS  REFUSED/S  NODES");
    CHECK(shown[8] == "bench/echo   12,348  20us  1.3ms      0      48          0      2");
}

TEST_CASE("no view is larger than its screen") {
    for (const auto& model : {small(), large(), with_spaces(20), top_model{}})
        for (std::size_t columns = 1; columns < 100; columns += 7)
            for (std::size_t lines = 0; lines < 80; ++lines) {
                const auto shown = lines_of(top_text(model, {columns, lines}, "q quits"));
                CAPTURE(columns, lines);
                REQUIRE(shown.size() <= lines);
                for (const auto& line : shown) REQUIRE(line.size() <= columns);
            }
}

TEST_CASE("a screen that is too low shows trouble first and says what it leaves out") {
    const auto shown = lines_of(top_text(large(), {80, 15}));
    REQUIRE(shown.size() == 15);
    CHECK_THAT(shown[3], Catch::Matchers::StartsWith("node29  suspect"));
    CHECK_THAT(shown[4], Catch::Matchers::StartsWith("node0 "));
    CHECK(shown[7] == "... 26 more");
    CHECK_THAT(shown[10], Catch::Matchers::StartsWith("m/f0 "));
    CHECK(shown[14] == "... 26 more");
}

TEST_CASE("nodes and functions leave each other the lines they do not need") {
    auto model = large();
    model.functions.resize(2);
    auto shown = lines_of(top_text(model, {80, 15}));
    CHECK(shown.size() == 15);
    CHECK(shown[10] == "... 23 more");
    CHECK_THAT(shown[13], Catch::Matchers::StartsWith("m/f0 "));
    model = large();
    model.nodes.resize(2);
    shown = lines_of(top_text(model, {80, 15}));
    CHECK(shown.size() == 15);
    CHECK_THAT(shown[4], Catch::Matchers::StartsWith("node1 "));
    CHECK(shown[14] == "... 23 more");
}

TEST_CASE("the hint stands at the right where there is room") {
    CHECK(lines_of(top_text({}, {40, 24}, "q quits"))[0] ==
          "0 nodes as seen by , 0 calls/s   q quits");
    CHECK(lines_of(top_text({}, {36, 24}, "q quits"))[0] == "0 nodes as seen by , 0 calls/s");
}

TEST_CASE("spaces show how state is found, written and waited for") {
    auto model = with_spaces(1);
    const auto shown = lines_of(top_text(model, {}));
    REQUIRE(shown.size() == 12);
    CHECK(shown[9].empty());
    CHECK(shown[10] ==
          "SPACE   TURNS/S  HITS   KEYS    BYTES  LOADS/S  WRITES/S  GATE P50  GATE P99  WAITING  "
          "NODES");
    CHECK(shown[11] ==
          "space0    5,000   90%  1,234  567,890       12       900     640us     5.1ms        3  "
          "    2");
    model.spaces.front().conflicts_rate = 4;
    model.spaces.front().failures_rate = 2.5;
    model.spaces.front().refused_by = 1;
    const auto troubled = lines_of(top_text(model, {}));
    CHECK_THAT(troubled[10], Catch::EndsWith("NODES  CONFLICTS/S                       TROUBLE"));
    CHECK_THAT(troubled[11], Catch::EndsWith("    2          4.0  refused by 1, 2.5 failures/s"));
}

TEST_CASE("spaces leave the screen to nodes and functions before they take more than a part") {
    const auto shown = lines_of(top_text(with_spaces(20), {200, 24}));
    CHECK(shown.size() <= 24);
    CHECK(std::count_if(shown.begin(), shown.end(),
                        [](const auto& line) { return line.starts_with("space"); }) == 3);
    CHECK(shown.back() == "... 17 more");
}

TEST_CASE("rates for programs are numbers, and null when they are not known") {
    const auto text = top_json(small());
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
    const auto all = nlohmann::json::parse(text);
    CHECK(all["asked"] == "n1");
    const auto& first = all["nodes"][0];
    CHECK(first["name"] == "n1");
    CHECK(first["answers"] == true);
    CHECK(first["calls"] == 12345);
    CHECK(first["calls_per_second"] == 12345.0);
    CHECK(first["calls_open"] == 64);
    CHECK(first["forwarded_per_second"] == 0.5);
    CHECK(all["nodes"][2]["answers"] == false);
    CHECK(all["nodes"][2]["calls_per_second"].is_null());
    CHECK(all["nodes"][2]["calls_open"].is_null());
    const auto& echo = all["functions"][0];
    CHECK(echo["p50_us"] == 20.0);
    CHECK(echo["p99_us"] == 1280.0);
    CHECK(echo["nodes"] == 2);
    CHECK(echo["activations"] == 48);
    CHECK(echo["started_per_second"] == 12.0);
    CHECK(echo["retired_per_second"] == 3.0);
    CHECK(echo["cold_calls_per_second"] == 1.5);
    CHECK(all["spaces"].empty());
    const auto state = nlohmann::json::parse(top_json(with_spaces(1)))["spaces"][0];
    CHECK(state["space"] == "space0");
    CHECK(state["found"] == 9);
    CHECK(state["batches_per_second"] == 300.0);
    CHECK(state["gate_p99_us"] == 5120.0);
}
