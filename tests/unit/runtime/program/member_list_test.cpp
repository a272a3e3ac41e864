// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/member_list.hpp"

#include "runtime/text/json_payload.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace dunlin;
using namespace dunlin::program;

namespace {

result<std::vector<member>> members_of(std::string_view json) {
    return read_members(runtime::payload_from_json(json).value().view());
}

std::vector<member> three() {
    return members_of(R"([
        {"name": "n2", "state": "dead", "instance": 2},
        {"name": "n2", "state": "alive", "instance": 7},
        {"name": "n1", "state": "left", "instance": 1},
        {"name": "n3", "state": "draining", "instance": 3}])")
        .value();
}

}  // namespace

TEST_CASE("a member is read from what a node says") {
    const auto all =
        members_of(R"([{"name": "n1", "state": "suspect", "instance": 18446744073709551615,
        "incarnation": 3, "busy": 0.25, "version": "0.1.0", "rtt_us": 85, "self": true,
        "endpoints": ["tcp://a:1", 5, "tcp://a:2"], "newer": 1}])")
            .value();
    REQUIRE(all.size() == 1);
    const auto& one = all.front();
    CHECK(one.name == "n1");
    CHECK(one.state == "suspect");
    CHECK(one.living());
    CHECK(one.instance == 18446744073709551615U);
    CHECK(one.incarnation == 3);
    CHECK(one.busy == 0.25);
    CHECK(one.version == "0.1.0");
    CHECK(one.round_trip_us == 85);
    CHECK(one.endpoints == std::vector<std::string>{"tcp://a:1", "tcp://a:2"});
    CHECK(one.asked);
}

TEST_CASE("what a member's entry lacks has its default") {
    const auto all =
        members_of(R"([{}, {"name": 5, "instance": -1, "busy": "x", "endpoints": {}}])");
    REQUIRE(all);
    REQUIRE(all->size() == 2);
    CHECK(all->back().name.empty());
    CHECK(all->back().instance == 0);
    CHECK(all->back().busy == 0);
    CHECK_FALSE(all->back().asked);
}

TEST_CASE("a list of members that is none is an error") {
    CHECK(members_of("{}").error() ==
          error{errc::internal,
                "the node's list of members is no array of maps; it may speak a newer version"});
}

TEST_CASE("members are sorted by name, and one name's processes by their age") {
    std::string order;
    for (const auto& one : three()) order += one.name + "/" + std::to_string(one.instance) + " ";
    CHECK(order == "n1/1 n2/2 n2/7 n3/3 ");
}

TEST_CASE("a name means the process that lives") {
    const auto all = three();
    REQUIRE(find_member(all, "n2") != nullptr);
    CHECK(find_member(all, "n2")->instance == 7);
    REQUIRE(find_member(all, "n1") != nullptr);
    CHECK_FALSE(find_member(all, "n1")->living());
    CHECK(find_member(all, "n9") == nullptr);
}

TEST_CASE("an unknown node is answered with the nearest and with all names") {
    CHECK(no_such_member(three(), "n33") ==
          "no node 'n33'; did you mean n3? The members are n2, n3");
    CHECK(no_such_member(three(), "elsewhere") == "no node 'elsewhere'; the members are n2, n3");
    CHECK(no_such_member(three(), "n1") == "the node n1 has left; the members are n2, n3");
    CHECK(no_such_member(members_of(R"([{"name": "a", "state": "dead"}, {"name": "b"}])").value(),
                         "a") == "the node a is dead; the members are b");
}

TEST_CASE("of many names some are listed") {
    std::vector<member> many(20);
    for (auto& one : many) one.name = "x";
    const auto text = no_such_member(many, "elsewhere");
    CHECK_THAT(text, Catch::Matchers::EndsWith(", x and 4 more"));
}
