// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/state_spaces.hpp"

#include "runtime/program/lenient_json.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace dunlin;
using namespace dunlin::program;

namespace {

result<space_list> read(const std::string& text) {
    const auto packed = json::to_msgpack(json::parse(text));
    return read_spaces({reinterpret_cast<const std::byte*>(packed.data()), packed.size()});
}

/// Two nodes with one store, and one that is silent.
cluster_spaces three_nodes() {
    cluster_spaces all;
    all.asked = "n2";
    all.nodes.push_back(*read(R"({"node": "n1", "store": "PostgreSQL", "spaces": [
        {"space": "b", "mode": "durable", "found": 3, "missed": 1, "keys_offered": 7},
        {"space": "a", "mode": "relaxed", "refused": "n2 has another store"}]})"));
    all.nodes.push_back(*read(R"({"node": "n2", "store": "PostgreSQL", "spaces": [
        {"space": "b", "mode": "durable", "schema": "{\"type\": \"object\"}", "turns": 5}]})"));
    all.silent.emplace_back("n3", error{errc::unavailable, "gone"});
    return all;
}

}  // namespace

TEST_CASE("spaces of nodes stand in lines by space and node, below the stores that they have") {
    auto all = three_nodes();
    const auto table = spaces_table(all);
    CHECK_THAT(table, Catch::StartsWith("nodes n1, n2, store: PostgreSQL\nSPACE "));
    const auto a = table.find("\na ");
    const auto b1 = table.find("\nb      n1");
    const auto b2 = table.find("\nb      n2");
    CHECK(a < b1);
    CHECK(b1 < b2);
    CHECK(b2 != std::string::npos);
    CHECK_THAT(table, Catch::Contains("75%"));
    CHECK_THAT(table, Catch::Contains("refused by n1: n2 has another store\n"));
    all.nodes[1].store.clear();
    CHECK_THAT(spaces_table(all),
               Catch::StartsWith("node n2, no store\nnode n1, store: PostgreSQL\n"));
    all.nodes.resize(1);
    all.nodes[0].spaces.clear();
    CHECK(spaces_table(all) == "node n1 serves no function with state\n");
}

TEST_CASE("as JSON the asked node's spaces stand in front, and those of all in nodes") {
    const auto told = json::parse(spaces_json(three_nodes()));
    CHECK(told["node"] == "n2");
    CHECK(told["spaces"].size() == 1);
    CHECK(told["spaces"][0]["schema"]["type"] == "object");
    REQUIRE(told["nodes"].size() == 2);
    CHECK(told["nodes"][1]["spaces"] == told["spaces"]);
    CHECK(told["nodes"][0]["spaces"][0]["keys_offered"] == 7);
    CHECK(told["nodes"][0]["spaces"][1]["refused"] == "n2 has another store");
    CHECK(told["unanswered"] == json::array({"n3"}));
}

TEST_CASE("an answer that is no map of spaces is an error") {
    CHECK_FALSE(read("[]"));
    CHECK_FALSE(read(R"({"node": "n1"})"));
    CHECK(read(R"({"spaces": [7, {}]})")->spaces.size() == 1);
}
