// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/json_payload.hpp"

#include "tests/support/catch.hpp"

#include <dunlin/codec.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

std::string there_and_back(std::string_view json) {
    const auto payload = payload_from_json(json);
    if (!payload) return payload.error().detail;
    const auto text = json_from_payload(*payload);
    return text ? *text : text.error().detail;
}

template <std::size_t Size>
std::string shown(const std::array<std::uint8_t, Size>& payload) {
    const auto text = json_from_payload(std::as_bytes(std::span(payload)));
    return text ? *text : text.error().detail;
}

}  // namespace

TEST_CASE("JSON comes back as it went") {
    for (const char* json :
         {"null", "true", "false", "0", "-1", "18446744073709551615", "-9223372036854775808", "1.5",
          "3.0", "1e+300", "\"text\"", "\"\"", "[]", "{}", "[1,[2,[]],{\"a\":null}]",
          R"({"a":1,"b":{"c":"d"}})", R"("line\nbreak \"quoted\" \\ tab\t")", "\"\\u0001\"",
          "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\xA6\x86\""})
        CHECK(there_and_back(json) == json);
}

TEST_CASE("bytes are an object with base64 in JSON, both ways") {
    const auto payload = payload_from_json(R"({"$bytes":"3q2+7w=="})");
    REQUIRE(payload);
    const auto data = decode<bytes>(*payload);
    REQUIRE(data);
    CHECK(as_text(*data) == "\xDE\xAD\xBE\xEF");
    CHECK(there_and_back(R"([{"$bytes":"3q2+7w=="},{"$bytes":""}])") ==
          R"([{"$bytes":"3q2+7w=="},{"$bytes":""}])");
    // Only an object with that one key means bytes.
    CHECK(there_and_back(R"({"$bytes":"x","other":1})") == R"({"$bytes":"x","other":1})");
}

TEST_CASE("bytes that are not base64 are refused") {
    CHECK(there_and_back(R"({"$bytes":"*"})") == "\"$bytes\" takes a string of base64");
    CHECK(there_and_back(R"({"$bytes":7})") == "\"$bytes\" takes a string of base64");
}

TEST_CASE("a map with keys that are no text is given as pairs") {
    const auto payload = payload_from_json(R"({"$map": [[1, "one"], [-2, "two"], [true, null]]})");
    REQUIRE(payload);
    CHECK(json_from_payload(*payload).value() == R"({"1":"one","-2":"two","true":null})");
    const auto numbers =
        payload_from_json(R"([{"$map": [[1, "one"], [200, "two hundred"]]}, {"$map": []}])");
    REQUIRE(numbers);
    using map = std::map<int, std::string>;
    CHECK(decode<std::vector<map>>(*numbers).value() ==
          std::vector{map{{1, "one"}, {200, "two hundred"}}, map{}});
    CHECK(there_and_back(R"({"$map":[[1,2]],"other":1})") == R"({"$map":[[1,2]],"other":1})");
    for (const auto* none :
         {R"({"$map": 1})", R"({"$map": [1]})", R"({"$map": [[1]]})", R"({"$map": [[1, 2, 3]]})"})
        CHECK(there_and_back(none).starts_with("\"$map\" takes a list of pairs"));
}

TEST_CASE("text that is not JSON is refused with line and column") {
    const auto payload = payload_from_json("{\"a\": 1,\n \"b\" 2}");
    REQUIRE_FALSE(payload);
    CHECK(payload.error().code == errc::invalid_argument);
    CHECK_THAT(payload.error().detail,
               Catch::Matchers::StartsWith("not valid JSON at line 2, column 6: "));
    CHECK_FALSE(payload_from_json(""));
    CHECK_FALSE(payload_from_json("1 2"));
    CHECK_FALSE(payload_from_json("\"\xff\""));
}

TEST_CASE("what JSON has no form for is shown as near as it gets") {
    const auto infinite = encode(std::numeric_limits<double>::infinity());
    CHECK(json_from_payload(infinite).value() == "null");
    const auto keyed = encode(std::map<std::int32_t, std::string>{{-1, "a"}, {7, "b"}});
    CHECK(json_from_payload(keyed).value() == R"({"-1":"a","7":"b"})");
    CHECK(json_from_payload(encode(std::string("a\xff\xc3z"))).value() ==
          "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\"");
    // An extension of type 5 with two bytes, in its fixed and in its long form.
    CHECK(shown(std::array<std::uint8_t, 4>{0xd5, 5, 0xab, 0xcd}) ==
          R"({"$extension":5,"$bytes":"q80="})");
    CHECK(shown(std::array<std::uint8_t, 5>{0xc7, 2, 0xff, 0xab, 0xcd}) ==
          R"({"$extension":-1,"$bytes":"q80="})");
    CHECK(json_from_payload(bytes_view{}).value() == "null");
}

TEST_CASE("a float is shown as short as it was written") {
    CHECK(json_from_payload(encode(0.1F)).value() == "0.1");
    CHECK(json_from_payload(encode(0.1)).value() == "0.1");
}

TEST_CASE("the indented layout puts values on lines of their own") {
    const auto payload = payload_from_json(R"({"a":[1,2],"b":{},"c":[]})");
    CHECK(json_from_payload(*payload, json_layout::indented).value() ==
          "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}");
}

TEST_CASE("a reply that is not one whole msgpack value is refused, not read past") {
    CHECK_FALSE(json_from_payload(std::as_bytes(std::span("\x92\x01", 2))));
    CHECK_FALSE(json_from_payload(std::as_bytes(std::span("\xc1", 1))));
    CHECK_FALSE(json_from_payload(std::as_bytes(std::span("\x01\x02", 2))));
    CHECK_FALSE(json_from_payload(std::as_bytes(std::span("\xdb\xff\xff\xff\xff", 5))));
}

TEST_CASE("values nested without end are refused on both sides") {
    const std::string arrays(1'000'000, '\x91');
    CHECK_FALSE(json_from_payload(as_bytes(arrays)));
    CHECK_THAT(there_and_back(std::string(100'000, '[') + std::string(100'000, ']')),
               Catch::Matchers::StartsWith("JSON is nested deeper than"));
}
