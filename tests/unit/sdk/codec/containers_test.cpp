// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/msgpack_oracle.hpp"

#include <dunlin/codec.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

/// There and back, with msgpack-cxx as the reader and the writer in between.
template <class T>
void check_with_oracle(const T& value) {
    CHECK(encode(value) == packed_value(value));
    CHECK(unpacked_as<T>(encode(value)) == value);
    CHECK(decode<T>(packed_value(value)).value() == value);
}

}  // namespace

TEST_CASE("containers travel as msgpack-cxx has them") {
    check_with_oracle(std::vector<int>{});
    check_with_oracle(std::vector<int>{1, -2, 300, 70'000});
    check_with_oracle(std::vector<std::string>{"a", "", std::string(300, 'c')});
    check_with_oracle(std::vector<bool>{true, false, true});
    check_with_oracle(std::deque<std::uint64_t>{1, 2, 3});
    check_with_oracle(std::list<double>{1.5, -2.25});
    check_with_oracle(std::set<std::string>{"x", "y"});
    check_with_oracle(std::unordered_set<int>{42});
    check_with_oracle(std::map<std::string, std::vector<int>>{{"a", {1}}, {"b", {}}});
    check_with_oracle(std::unordered_map<int, std::string>{{7, "seven"}});
    check_with_oracle(std::array<int, 3>{1, 2, 3});
    check_with_oracle(std::pair<int, std::string>{1, "one"});
    check_with_oracle(std::tuple<int, bool, std::string>{1, true, "one"});
    check_with_oracle(std::vector<std::map<int, std::set<int>>>{{{1, {2, 3}}}, {}});
}

TEST_CASE("containers of any announced size travel, at every length of head") {
    for (const std::size_t size : {15u, 16u, 65535u, 65536u}) {
        INFO(size);
        check_with_oracle(std::vector<std::uint16_t>(size, 900));
        std::map<std::size_t, bool> map;
        for (std::size_t i = 0; i < size; ++i) map.emplace(i, i % 2 == 0);
        check_with_oracle(map);
    }
}

TEST_CASE("an element of the wrong type is named by its index") {
    CHECK(refusal<std::vector<std::uint8_t>>(encode(std::vector<int>{1, 2, 3, 300})) ==
          "payload[3]: expected integer from 0 to 255, got 300");
    using nested = std::vector<std::vector<std::string>>;
    CHECK(refusal<nested>(packed([](auto& to) {
              to.pack_array(2);
              to.pack_array(0);
              to.pack_array(2);
              to.pack(std::string("a"));
              to.pack_nil();
          })) == "payload[1][1]: expected string, got nil");
    CHECK(refusal<std::vector<bool>>(encode(std::vector<int>{1})) ==
          "payload[0]: expected boolean, got integer 1");
    CHECK(refusal<std::set<int>>(encode(std::vector<std::string>{"x"})) ==
          "payload[0]: expected integer from -2147483648 to 2147483647, got string \"x\"");
    CHECK(refusal<std::vector<int>>(encode(7)) == "payload: expected array, got integer 7");
}

TEST_CASE("a value in a map is named by its key, and a key by its place") {
    using counts = std::map<std::string, int>;
    CHECK(refusal<counts>(encode(std::map<std::string, std::string>{{"the", "many"}})) ==
          "payload[\"the\"]: expected integer from -2147483648 to 2147483647, got string \"many\"");
    using by_number = std::unordered_map<int, std::string>;
    CHECK(refusal<by_number>(encode(std::map<int, int>{{-7, 1}})) ==
          "payload[-7]: expected string, got integer 1");
    CHECK(refusal<by_number>(encode(std::map<std::string, int>{{"x", 1}})) ==
          "payload[0].key: expected integer from -2147483648 to 2147483647, got string \"x\"");
    CHECK(refusal<counts>(encode(std::vector<int>{})) == "payload: expected map, got array of 0");
}

TEST_CASE("a map refuses a key that comes twice, a set merges equal elements") {
    const bytes twice = packed([](auto& to) {
        to.pack_map(2);
        for (int i = 0; i < 2; ++i) {
            to.pack(std::string("a"));
            to.pack(i);
        }
    });
    CHECK(refusal<std::map<std::string, int>>(twice) == "payload[\"a\"]: the key appears twice");
    CHECK(decode<std::set<int>>(encode(std::vector<int>{1, 1, 2}))->size() == 2);
}

TEST_CASE("an array of fixed size takes that many elements and no other number") {
    const bytes two = encode(std::vector<int>{1, 2});
    CHECK(refusal<std::array<int, 3>>(two) == "payload: expected array of 3, got array of 2");
    CHECK(refusal<std::pair<int, int>>(encode(std::vector<int>{1})) ==
          "payload: expected array of 2, got array of 1");
    CHECK(refusal<std::tuple<int, std::string>>(two) ==
          "payload[1]: expected string, got integer 2");
    CHECK(decode<std::tuple<>>(encode(std::vector<int>{})));
    CHECK(encode(std::tuple<>{}) == octets({0x90}));
}

TEST_CASE("an optional is nil or its value") {
    CHECK(encode(std::optional<int>{}) == octets({0xc0}));
    CHECK(encode(std::optional<int>{5}) == encode(5));
    CHECK(decode<std::optional<int>>(octets({0xc0})).value() == std::nullopt);
    CHECK(decode<std::optional<int>>(encode(5)).value() == 5);
    CHECK(refusal<std::optional<bool>>(encode(5)) == "payload: expected boolean, got integer 5");
    CHECK(encode(std::unique_ptr<int>{}) == octets({0xc0}));
    CHECK(**decode<std::unique_ptr<int>>(encode(5)) == 5);
    CHECK(**decode<std::shared_ptr<std::string>>(encode("x")) == "x");
    CHECK(decode<std::shared_ptr<int>>(octets({0xc0})).value() == nullptr);
}

TEST_CASE("a variant is the pair of its index and its value") {
    using shape = std::variant<std::monostate, int, std::string>;
    CHECK(encode(shape{}) == octets({0x92, 0, 0xc0}));
    CHECK(encode(shape{5}) == encode(std::tuple{1, 5}));
    CHECK(encode(shape{"x"}) == encode(std::tuple{2, std::string("x")}));
    for (const shape& value : {shape{}, shape{5}, shape{"x"}}) {
        CHECK(decode<shape>(encode(value)).value() == value);
    }
    CHECK(refusal<shape>(encode(std::tuple{3, 5})) ==
          "payload[0]: expected integer from 0 to 2, got 3");
    CHECK(refusal<shape>(encode(std::tuple{2, 5})) == "payload[1]: expected string, got integer 5");
    CHECK(refusal<shape>(encode(5)) == "payload: expected array of 2, got integer 5");
    using same = std::variant<int, int>;
    CHECK(decode<same>(encode(same{std::in_place_index<1>, 4}))->index() == 1);
}

static_assert(borrows_v<std::vector<std::string_view>>);
static_assert(borrows_v<std::map<std::string, std::optional<bytes_view>>>);
static_assert(borrows_v<std::variant<int, std::tuple<int, raw>>>);
static_assert(!borrows_v<std::vector<std::pair<std::string, bytes>>>);
