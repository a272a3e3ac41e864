// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/node_table.hpp"

#include "runtime/text/json_payload.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace dunlin;
using namespace dunlin::program;

namespace {

const bytes members = runtime::payload_from_json(R"([
    {"name": "n3", "state": "dead", "instance": 3, "incarnation": 2, "version": "0.1.0",
     "rtt_us": 90, "busy": 0.5, "endpoints": ["tcp://10.0.0.3:7440"]},
    {"name": "n2", "state": "suspect", "instance": 2, "incarnation": 1, "version": "0.1.0",
     "rtt_us": 1234, "busy": 0.426, "endpoints": ["tcp://10.0.0.2:7440", "tcp://10.0.0.2:7441"]},
    {"name": "n1", "state": "alive", "instance": 1, "incarnation": 1, "version": "0.1.0",
     "rtt_us": 0, "busy": 1.0, "self": true, "endpoints": ["tcp://10.0.0.1:7440"]}])")
                          .value();

}  // namespace

TEST_CASE("living members are listed by name, with the asked one marked") {
    CHECK(nodes_table(members, members_shown::living, {{"n1", {256, 1024}}}).value() ==
          "NODE  STATE    INCARNATION  BUSY  HELD  VERSION  ROUND TRIP  ENDPOINTS\n"
          "n1 *  alive              1  100%   25%  0.1.0             -  tcp://10.0.0.1:7440\n"
          "n2    suspect            1   43%     -  0.1.0         1.2ms  tcp://10.0.0.2:7440 "
          "tcp://10.0.0.2:7441\n");
}

TEST_CASE("the dead are listed on demand, without what they were") {
    CHECK_THAT(
        nodes_table(members, members_shown::all).value(),
        Catch::Matchers::EndsWith(
            "n3    dead               2     -     -  0.1.0             -  tcp://10.0.0.3:7440\n"));
}

TEST_CASE("members as JSON are filtered and sorted alike and keep all that is known of them") {
    const auto payload = runtime::payload_from_json(
                             R"([{"name": "b", "newer": [1], "state": "alive"},
                                 {"name": "c", "state": "left"}, {"name": "a", "state": "draining"}])")
                             .value();
    CHECK(nodes_json(payload, members_shown::living).value() ==
          "[{\"name\":\"a\",\"state\":\"draining\"},\n"
          " {\"name\":\"b\",\"newer\":[1],\"state\":\"alive\"}]\n");
    CHECK_THAT(nodes_json(payload, members_shown::all).value(),
               Catch::Matchers::EndsWith(",\n {\"name\":\"c\",\"state\":\"left\"}]\n"));
}

TEST_CASE("what is wanted stands with the node that was asked, and below the table") {
    const cluster::wanted_nodes wanted{2, "they are busy"};
    const auto text = nodes_json(members, members_shown::living, &wanted).value();
    CHECK(
        text.find(R"("version":"0.1.0","wanted_nodes":2,"wanted_nodes_reason":"they are busy"},)") <
        text.find("n2"));
    CHECK(text.find("wanted_nodes", text.find("n2")) == std::string::npos);
    CHECK(wanted_line(wanted) == "2 nodes wanted: they are busy\n");
    CHECK(wanted_line({1, "they are idle"}) == "1 node wanted: they are idle\n");
}

TEST_CASE("a member's name cannot write to the terminal") {
    const auto payload =
        runtime::payload_from_json(R"([{"name": "x\u001b[2J", "state": "alive"}])").value();
    CHECK(nodes_table(payload, members_shown::living).value().find('\033') == std::string::npos);
}

TEST_CASE("times have the unit that a person would take") {
    CHECK(short_time_us(0) == "-");
    CHECK(short_time_us(0.4) == "0us");
    CHECK(short_time_us(85.4) == "85us");
    CHECK(short_time_us(999.4) == "999us");
    CHECK(short_time_us(999.5) == "1.0ms");
    CHECK(short_time_us(9949) == "9.9ms");
    CHECK(short_time_us(9950) == "10ms");
    CHECK(short_time_us(999'600) == "1.0s");
    CHECK(short_time_us(33e6) == "33s");
}
