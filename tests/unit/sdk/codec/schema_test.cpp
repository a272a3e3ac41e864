// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"

#include <dunlin/schema.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

using namespace dunlin;
using nlohmann::json;

namespace first {
namespace {
struct point {
    int x = 0;
    DUNLIN_FIELDS(x)
};
}  // namespace
}  // namespace first

namespace second {
namespace {
struct point {
    double y = 0;
    DUNLIN_FIELDS(y)
};

struct node {
    std::uint64_t id = 0;
    std::optional<std::string> label = {};
    std::vector<node> children = {};
    first::point near = {};
    point far = {};
    std::shared_ptr<point> other = {};
    DUNLIN_FIELDS(id, label, children, near, far, other)
    DUNLIN_REQUIRED(id)
};

struct even {
    DUNLIN_FIELDS()
};
struct odd {
    std::vector<std::optional<odd>> more = {};
    DUNLIN_FIELDS(more)
};
}  // namespace
}  // namespace second

namespace {
struct temperature {
    double degrees = 0;
};
enum class colour : std::int8_t { red };
}  // namespace

template <>
struct dunlin::codec<temperature> {
    static void encode(writer& to, const temperature& value) { to.real(value.degrees); }
    static bool decode(reader& from, temperature& value) { return from.real(value.degrees); }
    static std::string schema() { return R"({"type":"number","minimum":-273.15})"; }
};

TEST_CASE("numbers describe their range where JSON can tell it") {
    CHECK(schema_json<std::uint8_t>() == R"({"type":"integer","minimum":0,"maximum":255})");
    CHECK(schema_json<std::int32_t>() ==
          R"({"type":"integer","minimum":-2147483648,"maximum":2147483647})");
    CHECK(schema_json<std::uint32_t>() == R"({"type":"integer","minimum":0,"maximum":4294967295})");
    CHECK(schema_json<std::uint64_t>() == R"({"type":"integer","minimum":0})");
    CHECK(schema_json<std::int64_t>() == R"({"type":"integer"})");
    CHECK(schema_json<float>() == R"({"type":"number"})");
    CHECK(schema_json<bool>() == R"({"type":"boolean"})");
    CHECK(schema_json<colour>() == R"({"type":"integer","minimum":-128,"maximum":127})");
    CHECK(schema_json<std::chrono::milliseconds>() ==
          R"({"type":"integer","description":"milliseconds"})");
    CHECK(schema_json<std::chrono::duration<double>>() ==
          R"({"type":"number","description":"seconds"})");
}

TEST_CASE("text, bytes, nil and anything describe themselves") {
    CHECK(schema_json<std::string>() == R"({"type":"string"})");
    CHECK(schema_json<std::string_view>() == schema_json<std::string>());
    const auto binary = R"({"type":"string","contentMediaType":"application/octet-stream"})";
    CHECK(schema_json<bytes>() == binary);
    CHECK(schema_json<bytes_view>() == binary);
    CHECK(schema_json<std::vector<std::byte>>() == binary);
    CHECK(schema_json<std::nullptr_t>() == R"({"type":"null"})");
    CHECK(schema_json<raw>() == "true");
    CHECK(schema_json<temperature>() == R"({"type":"number","minimum":-273.15})");
}

TEST_CASE("containers describe what they hold") {
    CHECK(schema_json<std::vector<bool>>() == R"({"type":"array","items":{"type":"boolean"}})");
    CHECK(schema_json<std::set<std::string>>() ==
          R"({"type":"array","items":{"type":"string"},"uniqueItems":true})");
    CHECK(schema_json<std::array<double, 3>>() ==
          R"({"type":"array","items":{"type":"number"},"minItems":3,"maxItems":3})");
    CHECK(schema_json<std::map<std::string, bool>>() ==
          R"({"type":"object","additionalProperties":{"type":"boolean"}})");
    CHECK(schema_json<std::unordered_map<std::int64_t, bool>>() ==
          R"({"type":"object","additionalProperties":{"type":"boolean"},)"
          R"("x-dunlin-key":{"type":"integer"}})");
    CHECK(schema_json<std::pair<std::string, bool>>() ==
          R"({"type":"array","prefixItems":[{"type":"string"},{"type":"boolean"}],)"
          R"("minItems":2,"maxItems":2})");
    CHECK(schema_json<std::optional<bool>>() ==
          R"({"anyOf":[{"type":"boolean"},{"type":"null"}]})");
    CHECK(schema_json<std::unique_ptr<bool>>() == schema_json<std::optional<bool>>());
    CHECK(schema_json<std::variant<std::monostate, bool>>() ==
          R"({"oneOf":[{"type":"array","prefixItems":[{"const":0},{"type":"null"}],)"
          R"("minItems":2,"maxItems":2},{"type":"array","prefixItems":[{"const":1},)"
          R"({"type":"boolean"}],"minItems":2,"maxItems":2}]})");
}

TEST_CASE("a struct is an object with its fields and the required ones") {
    const json schema = json::parse(schema_json<second::node>());
    CHECK(schema["title"] == "node");
    CHECK(schema["type"] == "object");
    CHECK(schema["required"] == json::array({"id"}));
    CHECK(schema["properties"].size() == 6);
    CHECK(schema["properties"]["id"] == json({{"type", "integer"}, {"minimum", 0}}));
    CHECK(json::parse(schema_json<second::even>()) ==
          json({{"title", "even"}, {"type", "object"}, {"properties", json::object()}}));
}

TEST_CASE("a struct that contains itself refers to itself") {
    const json schema = json::parse(schema_json<second::node>());
    CHECK(schema["properties"]["children"]["items"] == json({{"$ref", "#"}}));
    const json inside = json::parse(schema_json<std::vector<second::odd>>());
    CHECK(inside["items"] == json({{"$ref", "#/$defs/odd"}}));
    CHECK(inside["$defs"]["odd"]["properties"]["more"]["items"]["anyOf"][0] ==
          json({{"$ref", "#/$defs/odd"}}));
}

TEST_CASE("two structs of one name are told apart") {
    const json schema = json::parse(schema_json<second::node>());
    const auto& properties = schema["properties"];
    CHECK(properties["near"] == json({{"$ref", "#/$defs/point"}}));
    CHECK(properties["far"] == json({{"$ref", "#/$defs/point_2"}}));
    CHECK(properties["other"]["anyOf"][0] == properties["far"]);
    CHECK(schema["$defs"]["point"]["properties"].contains("x"));
    CHECK(schema["$defs"]["point_2"]["properties"].contains("y"));
    CHECK(schema["$defs"].size() == 2);
}
