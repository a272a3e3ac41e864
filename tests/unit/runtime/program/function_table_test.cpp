// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/function_table.hpp"

#include "runtime/text/json_payload.hpp"
#include "tests/support/catch.hpp"

#include <dunlin/codec.hpp>
#include <dunlin/schema.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::program;

namespace {

struct page {
    std::string url;
    bytes content = {};
    std::vector<int> sizes = {};
    DUNLIN_FIELDS(url, content, sizes)
};

function_list listed(std::initializer_list<std::pair<const char*, const char*>> answers) {
    function_list list;
    for (const auto& [node, json] : answers)
        REQUIRE(list.add(node, runtime::payload_from_json(json).value().view()));
    return list;
}

constexpr const char* of_text = R"([
    {"name": "text/count_words", "async": true, "blocking": false, "description": "Counts",
     "module": "text", "module_version": "1.2", "busy": 2, "invocations": 5,
     "service_time_us": 3.5, "activations": 8, "activations_started": 1200,
     "activations_retired": 1192, "cold_calls": 40, "start_time_us": 24.5,
     "input": {"type": "object", "properties": {"url": {"type": "string"},
               "limit": {"type": "integer"}}, "required": ["url"]},
     "output": {"type": "integer"}},
    {"name": "dunlin/stats", "input": null, "output": null, "idempotent": true,
     "description": "What it has counted", "busy": 1}])";
constexpr const char* of_bench = R"([
    {"name": "bench/echo", "input": null, "output": null, "activations": 3,
     "activations_started": 5, "activations_retired": 2, "cold_calls": 1, "start_time_us": 30},
    {"name": "dunlin/stats", "input": null, "output": null, "idempotent": true,
     "description": "What it has counted", "busy": 2}])";

}  // namespace

TEST_CASE("functions are listed in columns, with types as a person would say them") {
    CHECK(functions_table(listed({{"a", of_text}})) ==
          "FUNCTION          PROPERTIES  ACTORS  INPUT -> OUTPUT                            "
          "DESCRIPTION\n"
          "dunlin/stats      idempotent       -  any -> any                                 "
          "What it has counted\n"
          "text/count_words  async            8  {limit: integer, url*: string} -> integer  "
          "Counts\n"
          "\nOf node a.\n");
}

TEST_CASE("functions of several nodes are listed once, with the nodes that serve them") {
    const auto list = listed({{"a", of_text}, {"b", of_bench}, {"c", of_bench}});
    CHECK(functions_table(list) ==
          "FUNCTION          PROPERTIES  ACTORS  INPUT -> OUTPUT                            "
          "NODES  DESCRIPTION\n"
          "bench/echo        -                6  any -> any                                 "
          "b, c\n"
          "dunlin/stats      idempotent       -  any -> any                                 "
          "all    What it has counted\n"
          "text/count_words  async            8  {limit: integer, url*: string} -> integer  "
          "a      Counts\n"
          "\nOf 3 nodes: a, b, c.\n");
    const auto json = nlohmann::json::parse(functions_json(list));
    REQUIRE(json.size() == 3);
    CHECK(json[0].at("nodes") == nlohmann::json({"b", "c"}));
    CHECK(json[1].at("busy") == 5);
    CHECK(json[2].at("invocations") == 5);
    CHECK(json[0].at("activations") == 6);
    CHECK(json[0].at("activations_started") == 10);
    CHECK(json[0].at("activations_retired") == 4);
    CHECK(json[0].at("cold_calls") == 2);
    CHECK(json[0].at("start_time_us") == 30);  // the longest
    CHECK(list.find("bench/ecko") == nullptr);
}

TEST_CASE("one function is shown with its whole types") {
    const auto list = listed({{"a", of_text}, {"b", of_bench}});
    CHECK(function_details(*list.find("text/count_words"), list) ==
          "text/count_words: Counts\n\n"
          "Input\n    {limit: integer, url*: string}\n"
          "Output\n    integer\n"
          "Properties\n    async\n"
          "Actors\n    8 now; 1,200 started, 1,192 ended, 40 calls paid for a start, the latest "
          "took 24us\n"
          "Module\n    text 1.2\n"
          "Nodes\n    a (of 2)\n");
    std::string wide = R"([{"name": "w/f", "input": {"type": "object", "properties": {)";
    for (int i = 0; i < 9; ++i)
        wide +=
            (i == 0 ? "" : ", ") + std::string("\"field_") + std::to_string(i) +
            R"(": {"type": "object", "properties": {"x": {"type": "string"}, "y": {"type": "array"}}})";
    wide += "}}}]";
    const auto shown = function_details(*listed({{"a", wide.c_str()}}).find("w/f"), list);
    CHECK_THAT(shown,
               Catch::Contains("    {\n      field_0: {\n        x: string,\n        y: array\n"
                               "      },\n      field_1: {"));
    CHECK_THAT(shown, Catch::Contains(
                          "field_8: {\n        x: string,\n        y: array\n      }\n    }\n"));
    CHECK_FALSE(shown.find("...") != std::string::npos);
}

TEST_CASE("a node without a module is told from one with functions") {
    constexpr const char* none = R"([{"name": "dunlin/stats", "description": "What it counts"}])";
    CHECK_THAT(functions_table(listed({{"a", none}})),
               Catch::Matchers::EndsWith("\n\nOf node a.\n\nThe node has no module; start it with "
                                         "--module FILE to serve functions.\n"));
}

TEST_CASE("a list of functions that is none is an error") {
    function_list list;
    CHECK(list.add("a", runtime::payload_from_json(R"({"name": "text/count_words"})")->view())
              .error() ==
          error{errc::internal,
                "the node's list of functions is no array of maps; it may speak a newer version"});
    CHECK(list.add("a", runtime::payload_from_json("[1]")->view()).error().code == errc::internal);
    CHECK(list.nodes().empty());
}

TEST_CASE("schemas read like types") {
    CHECK(short_schema(schema_json<page>()) == "{url: string, content: bytes, sizes: [integer]}");
    CHECK(short_schema(schema_json<std::map<std::string, double>>()) == "map of number");
    CHECK(short_schema(schema_json<std::optional<int>>()) == "integer or null");
    CHECK(short_schema(schema_json<std::pair<int, std::string>>()) == "[integer, string]");
    CHECK(short_schema(
              R"({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"]})") ==
          "{a: any, b*: any}");
    CHECK(short_schema("{\"enum\": [1, 2]}") == "one of [1,2]");
    CHECK(short_schema("no JSON") == "any");
    CHECK(short_schema("{\"$ref\": \"#/nowhere\"}") == "any");
    // A type that contains itself ends somewhere.
    CHECK(short_schema(R"({"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items":
                           {"$ref": "#/$defs/a"}}}})") == "[[...]]");
}
