// SPDX-License-Identifier: Apache-2.0
#include "wire/key_field.hpp"

#include "tests/support/allocations.hpp"
#include "tests/support/catch.hpp"

#include <dunlin/codec.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace dunlin;
using wire::key_problem;

namespace {

struct customer {
    std::int64_t id = 0;
    std::string name;
    DUNLIN_FIELDS(id, name)
};

struct order {
    std::vector<std::map<std::string, double>> items;
    std::string note;
    customer buyer;
    bytes token;
    std::uint64_t number = 0;
    std::optional<std::string> voucher;
    DUNLIN_FIELDS(items, note, buyer, token, number, voucher)
};

/// The key, or the problem in angle brackets.
std::string key_of(bytes_view payload, std::string_view path) {
    wire::key_digits digits{};
    const auto found = wire::find_key(payload, path, digits);
    if (found.problem == key_problem::none) return std::string(as_text(found.key));
    CHECK(found.key.empty());
    static const std::map<key_problem, std::string> names{
        {key_problem::malformed, "malformed"}, {key_problem::no_map, "no map"},
        {key_problem::absent, "absent"},       {key_problem::wrong_type, "wrong type"},
        {key_problem::empty, "empty"},         {key_problem::too_long, "too long"}};
    return "<" + names.at(found.problem) + ">";
}

std::string key_of(std::string_view payload, std::string_view path) {
    return key_of(as_bytes(payload), path);
}

order sample() {
    order made;
    made.items.resize(2);
    made.items[0]["apples"] = 2;
    made.note = "quick";
    made.buyer = {-42, "Anna"};
    made.token = bytes(std::string_view("\x00\xff", 2));
    made.number = std::numeric_limits<std::uint64_t>::max();
    return made;
}

}  // namespace

TEST_CASE("a key is the text, the bytes or the digits in a field, on any level") {
    const bytes payload = encode(sample());
    CHECK(key_of(payload, "note") == "quick");
    CHECK(key_of(payload, "token") == std::string("\x00\xff", 2));
    CHECK(key_of(payload, "number") == "18446744073709551615");
    CHECK(key_of(payload, "buyer.id") == "-42");
    CHECK(key_of(payload, "buyer.name") == "Anna");
}

TEST_CASE("an integer is one key in each of its forms") {
    for (const std::string_view seven :
         {std::string_view("\x07"), std::string_view("\xcc\x07"), std::string_view("\xcd\0\x07", 3),
          std::string_view("\xd3\0\0\0\0\0\0\0\x07", 9), std::string_view("\xd0\x07")})
        CHECK(key_of("\x81\xa2id" + std::string(seven), "id") == "7");
    CHECK(key_of(encode(customer{std::numeric_limits<std::int64_t>::min(), ""}), "id") ==
          "-9223372036854775808");
}

TEST_CASE("what is no key has a problem of its own") {
    const bytes payload = encode(sample());
    CHECK(key_of(payload, "buyer") == "<wrong type>");
    CHECK(key_of(payload, "items") == "<wrong type>");
    CHECK(key_of(payload, "voucher") == "<wrong type>");
    CHECK(key_of(payload, "price") == "<absent>");
    CHECK(key_of(payload, "buyer.town") == "<absent>");
    CHECK(key_of(payload, "") == "<absent>");
    CHECK(key_of(payload, "buyer.") == "<absent>");
    CHECK(key_of(payload, "note.id") == "<no map>");
    CHECK(key_of(encode(5), "id") == "<no map>");
    CHECK(key_of(encode(std::vector<int>{1}), "id") == "<no map>");
    CHECK(key_of("", "id") == "<malformed>");
    CHECK(key_of("\x81\xa2id\xc0", "id") == "<wrong type>");
    CHECK(key_of("\x81\xa2id\xc3", "id") == "<wrong type>");
    CHECK(key_of("\x81\xa2id\xca\x3f\x80\0\0", "id") == "<wrong type>");
    CHECK(key_of("\x81\xa2id\xa0", "id") == "<empty>");
    CHECK(key_of(std::string_view("\x81\xa2id\xc4\0", 6), "id") == "<empty>");
    CHECK(key_of(encode(customer{1, std::string(255, 'n')}), "name") == std::string(255, 'n'));
    CHECK(key_of(encode(customer{1, std::string(256, 'n')}), "name") == "<too long>");
}

TEST_CASE(
    "what stands in front of a key has to be msgpack, what stands behind it may be anything") {
    CHECK(key_of("\x82\xa1x\xc1\xa2id\x01", "id") == "<malformed>");
    CHECK(key_of("\x81\xa2id\xc1", "id") == "<malformed>");
    CHECK(key_of("\x81\xa2id", "id") == "<malformed>");
    CHECK(key_of("\x81\xa2id\xa5"
                 "anna",
                 "id") == "<malformed>");
    CHECK(key_of("\x82\xa2id\x01\xc1", "id") == "1");
    CHECK(key_of("\x81\xa2id\x01 and more", "id") == "1");
    // Other keys than texts are passed over, with their values.
    CHECK(key_of("\x84\x01\x02\xc0\x90\x91\x01\x81\x01\x01\xa2id\x09", "id") == "9");
    // No map is as long as it says.
    CHECK(key_of("\xdf\xff\xff\xff\xff\xa2id\x01", "id") == "<malformed>");
    // Deeper than a reader follows.
    CHECK(key_of("\x82\xa1x" + std::string(70, '\x91') + "\xc0\xa2id\x01", "id") == "<malformed>");
}

TEST_CASE("every payload that is cut gives the same key or none") {
    const bytes payload = encode(sample());
    for (const char* path : {"note", "buyer.id", "number"}) {
        const auto whole = key_of(payload, path);
        for (std::size_t size = 0; size < payload.size(); ++size) {
            const std::vector<std::byte> cut(payload.data(), payload.data() + size);
            const auto part = key_of(bytes_view(cut), path);
            CHECK((part == whole || part == "<malformed>"));
        }
    }
}

TEST_CASE("taking a key allocates nothing") {
    const bytes payload = encode(sample());
    wire::key_digits digits{};
    std::size_t found = 0;
    const auto before = dunlin::testing::allocation_count();
    for (const std::string_view path : {"note", "buyer.id", "number", "price", "buyer"})
        found += wire::find_key(payload, path, digits).key.size();
    CHECK(dunlin::testing::allocation_count() == before);
    CHECK(found == 5 + 3 + 20);
}

TEST_CASE("the caller is told which field, and what is wrong with it") {
    CHECK(wire::describe(key_problem::absent, "buyer.id") ==
          "the key is the field buyer.id of the input, which has no such field");
    CHECK(wire::describe(key_problem::wrong_type, "id") ==
          "the key is the field id of the input, and what it holds is neither text nor bytes nor "
          "an integer");
    CHECK(wire::describe(key_problem::empty, "id") ==
          "the key is the field id of the input, and it is empty");
    CHECK(wire::describe(key_problem::too_long, "id") ==
          "the key is the field id of the input, and it is longer than 255 bytes");
    CHECK(wire::describe(key_problem::no_map, "a.b") ==
          "the key is the field a.b of the input, which has no map where that would be");
    CHECK(wire::describe(key_problem::malformed, "two\nlines") ==
          "the key is the field \"two\\nlines\" of the input, which is not well-formed msgpack up "
          "to there");
}
