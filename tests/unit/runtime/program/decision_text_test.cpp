// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/decision_text.hpp"

#include "tests/support/catch.hpp"

#include <cstdint>
#include <string>

using namespace dunlin::program;

namespace {

constexpr std::int64_t noon_us = 1'700'000'000'512'000;

json decided(const std::string& kind, const std::string& of, std::int64_t before,
             std::int64_t after, std::uint64_t amount) {
    return {{"node", "n1"},
            {"number", 1},
            {"time_us", noon_us},
            {"last_us", noon_us},
            {"function", "text/count"},
            {"kind", kind},
            {"rule", "no activation was idle"},
            {"inputs", json::object()},
            {"of", of},
            {"before", before},
            {"after", after},
            {"amount", amount},
            {"count", 1}};
}

/// Of what has travelled, as all records have; without its time, which depends on where the machine
/// is.
std::string sentence(const json& record) {
    const auto text = decision_sentence(json::from_msgpack(json::to_msgpack(record)), noon_us);
    const auto at = text.find(" n1 ");
    return at == std::string::npos ? text : text.substr(at + 1);
}

}  // namespace

TEST_CASE("each kind of decision has a sentence of its own") {
    auto start = decided("start", "activations", 2, 3, 1);
    start["inputs"] = {{"busy", 2}, {"queued", 1}};
    CHECK(sentence(start) ==
          "n1 started the 3rd activation of text/count: no activation was idle (busy 2, queued "
          "1)\n");
    CHECK(sentence(decided("retire", "activations", 3, 1, 2)) ==
          "n1 retired 2 activations of text/count, 1 left: no activation was idle\n");
    CHECK(sentence(decided("retire", "activations", 1, 0, 1)) ==
          "n1 retired one activation of text/count, none left: no activation was idle\n");
    CHECK(sentence(decided("widen", "nodes", 1, 3, 2)) ==
          "n1 widened text/count from 1 to 3 nodes: no activation was idle\n");
    CHECK(sentence(decided("fold", "nodes", 3, 1, 2)) ==
          "n1 folded text/count from 3 to one node: no activation was idle\n");
    CHECK(sentence(decided("refuse", "calls", 0, 1, 1)) ==
          "n1 refused one call of text/count: no activation was idle\n");
    CHECK(sentence(decided("shed", "calls", 0, 7, 7)) ==
          "n1 shed 7 calls of text/count that it had taken: no activation was idle\n");
    CHECK(sentence(decided("stop", "spaces", 1, 0, 1)) ==
          "n1 stopped taking calls of text/count: no activation was idle\n");
    CHECK(sentence(decided("resume", "spaces", 0, 1, 1)) ==
          "n1 takes calls of text/count again: no activation was idle\n");
    CHECK(sentence(decided("lose", "stores", 1, 0, 1)) ==
          "n1 lost the store of text/count: no activation was idle\n");
    CHECK(sentence(decided("regain", "stores", 0, 1, 1)) ==
          "n1 has the store of text/count again: no activation was idle\n");
    CHECK(sentence(decided("set", "maximum", 8, 16, 8)) ==
          "n1 set the maximum of text/count from 8 to 16: no activation was idle\n");
    CHECK(sentence(decided("set", "activations", 8, 8, 0)) ==
          "n1 set the activations of text/count to 8: no activation was idle\n");
    CHECK(sentence(decided("moved", "things", 1, 2, 1)) ==
          "n1 moved text/count: things from 1 to 2: no activation was idle\n");
}

TEST_CASE("decisions that were folded are told as one, with how long they took") {
    auto many = decided("refuse", "calls", 0, 1, 4312);
    many["count"] = 4000;
    many["last_us"] = noon_us + 934'500;
    CHECK(sentence(many) ==
          "n1 refused 4,312 calls of text/count within 935 ms: no activation was idle\n");
    auto started = decided("start", "activations", 10, 13, 3);
    started["count"] = 3;
    CHECK(sentence(started) ==
          "n1 started 3 activations of text/count, the last one its 13th within 1 ms: no "
          "activation was idle\n");
}

TEST_CASE("inputs are told in their order, with their units") {
    auto record = decided("refuse", "calls", 0, 1, 1);
    record["inputs"] = {
        {"price_ms", 200},      {"arrivals_per_s", 0.4163}, {"held_max_bytes", 1048576},
        {"busy_percent", 12.5}, {"wait_s", 1e-3},           {"left_us", -3}};
    CHECK(sentence(record) ==
          "n1 refused one call of text/count: no activation was idle (price 200 ms, arrivals 0.416 "
          "a second, held max 1,048,576 bytes, busy 12.5 %, wait 0.001 s, left -3 us)\n");
}

TEST_CASE("a sentence begins with the time of day, and with the day if that is not today") {
    const auto record = decided("refuse", "calls", 0, 1, 1);
    const auto today = decision_sentence(record, noon_us);
    CHECK(today.substr(2, 1) == ":");
    CHECK(today.substr(5, 1) == ":");
    CHECK(today.substr(8, 5) == ".512 ");
    const auto later = decision_sentence(record, noon_us + 400LL * 24 * 3600 * 1'000'000);
    CHECK_THAT(later, Catch::StartsWith("2023-11-"));
    CHECK(utc_text(noon_us) == "2023-11-14T22:13:20.512000Z");
}

TEST_CASE("what a node says of its decisions does nothing to a terminal, whatever it is") {
    auto record = decided("set", "a\x1b[2Jb", 1, 2, 1);
    record["function"] = "evil\nname";
    record["rule"] = "line\r";
    record["inputs"] = {{"k\x07_ms", 1}, {"text", "no number"}};
    CHECK(sentence(record) == "n1 set the a?[2Jb of evil?name from 1 to 2: line? (k? 1 ms)\n");
    CHECK_FALSE(decision_sentence(json::object(), noon_us).empty());
    CHECK_FALSE(decision_sentence({{"inputs", 7}, {"time_us", "x"}, {"count", -1}}, 0).empty());
}
