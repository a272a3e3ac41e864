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

result<std::string> table_of(std::string_view json) {
    const auto payload = runtime::payload_from_json(json).value();
    return functions_table(payload.view());
}

}  // namespace

TEST_CASE("functions are listed in columns, with types as a person would say them") {
    CHECK(table_of(R"([
              {"name": "dunlin/stats", "input": null, "output": null, "idempotent": true,
               "description": "What it has counted"},
              {"name": "text/count_words", "async": true, "blocking": false, "description": "Counts",
               "input": {"type": "object", "properties": {"url": {"type": "string"}}},
               "output": {"type": "integer"}}
          ])")
              .value() ==
          "FUNCTION          PROPERTIES  INPUT -> OUTPUT           DESCRIPTION\n"
          "dunlin/stats      idempotent  any -> any                What it has counted\n"
          "text/count_words  async       {url: string} -> integer  Counts\n");
}

TEST_CASE("a node without a module is told from one with functions") {
    CHECK_THAT(
        table_of(R"([{"name": "dunlin/stats", "description": "What it has counted"}])").value(),
        Catch::Matchers::EndsWith(
            "\n\nThe node has no module; start it with --module FILE to serve functions.\n"));
}

TEST_CASE("a list of functions that is none is an error") {
    CHECK(table_of(R"({"name": "text/count_words"})").error() ==
          error{errc::internal,
                "the node's list of functions is no array of maps; it may speak a newer version"});
    CHECK(table_of("[1]").error().code == errc::internal);
}

TEST_CASE("schemas read like types") {
    CHECK(short_schema(schema_json<page>()) == "{url: string, content: bytes, sizes: [integer]}");
    CHECK(short_schema(schema_json<std::map<std::string, double>>()) == "map of number");
    CHECK(short_schema(schema_json<std::optional<int>>()) == "integer or null");
    CHECK(short_schema(schema_json<std::pair<int, std::string>>()) == "[integer, string]");
    CHECK(short_schema("{\"enum\": [1, 2]}") == "one of [1,2]");
    CHECK(short_schema("no JSON") == "any");
    CHECK(short_schema("{\"$ref\": \"#/nowhere\"}") == "any");
    // A type that contains itself ends somewhere.
    CHECK(short_schema(R"({"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items":
                           {"$ref": "#/$defs/a"}}}})") == "[[...]]");
}
