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
#include <string>
#include <variant>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

struct record {
    std::string name;
    std::vector<std::map<std::string, double>> samples = {};
    std::variant<int, std::string> choice = 0;
    bytes content = {};
    DUNLIN_FIELDS(name, samples, choice, content)
};

/// 1 KiB, of which a payload may have as little as a byte.
using wide = std::array<std::uint64_t, 128>;
struct holder {
    std::optional<wide> inside = {};
    DUNLIN_FIELDS(inside)
};

/// A type with a codec of its own, as an author would write one.
struct grade {
    char letter = '?';
};

}  // namespace

template <>
struct dunlin::codec<grade> {
    static void encode(writer& to, const grade& value) { to.text({&value.letter, 1}); }
    static bool decode(reader& from, grade& value) {
        std::string_view text;
        if (!from.text(text)) return false;
        if (text.size() != 1 || text[0] < 'a' || text[0] > 'f') {
            return from.fail_with("expected a grade from a to f");
        }
        value.letter = text[0];
        return true;
    }
};

TEST_CASE("a payload that is cut anywhere is refused and read no further") {
    const bytes whole = encode(record{.name = std::string(40, 'n'),
                                      .samples = {{{"x", 1.5}}, {}},
                                      .choice = "text",
                                      .content = bytes(std::string(300, 'c'))});
    REQUIRE(decode<record>(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        // Memory of exactly that size, for a sanitizer to watch its end.
        const std::vector<std::byte> cut(whole.data(), whole.data() + size);
        const auto value = decode<record>(bytes_view(cut));
        INFO(size);
        REQUIRE_FALSE(value);
        CHECK(value.error().detail.find(size == 0
                                            ? "the payload is empty"
                                            : "but the payload ends after " + std::to_string(size) +
                                                  " bytes") != std::string::npos);
    }
}

TEST_CASE("what follows the value is an error") {
    const bytes two = octets({1, 2});
    CHECK(decode<int>(two).error().detail == "payload: 1 byte follows the value");
    CHECK(decode<int>(octets({1, 2, 3})).error().detail == "payload: 2 bytes follow the value");
}

TEST_CASE("an announced size is not believed beyond the payload") {
    const bytes huge_array = octets({0xdd, 0xff, 0xff, 0xff, 0xff, 1, 2});
    CHECK(decode<std::vector<std::uint64_t>>(huge_array).error().detail ==
          "payload: expected array, but the payload ends after 7 bytes");
    const bytes huge_map = octets({0xdf, 0xff, 0xff, 0xff, 0xff, 1, 2});
    CHECK(decode<std::map<int, int>>(huge_map).error().detail ==
          "payload: expected map, but the payload ends after 7 bytes");
    const bytes huge_text = octets({0xdb, 0xff, 0xff, 0xff, 0xff, 'a'});
    CHECK(decode<std::string>(huge_text).error().detail ==
          "payload: expected string, but the payload ends after 6 bytes");
    const bytes huge_binary = octets({0xc6, 0xff, 0xff, 0xff, 0xff, 'a'});
    CHECK(decode<bytes>(huge_binary).error().detail ==
          "payload: expected binary, but the payload ends after 6 bytes");
}

TEST_CASE("elements take no more memory than their payload may") {
    const auto payload_of = [](std::uint32_t count) {
        std::string text = "\xdd";
        for (const int shift : {24, 16, 8, 0}) text += static_cast<char>(count >> shift);
        text.append(count, '\xc0');
        return bytes(text);
    };
    // 64 MiB are free, and 16 bytes for each byte.
    CHECK(decode<std::vector<std::optional<wide>>>(payload_of(60'000)).value().size() == 60'000);
    const auto refused = decode<std::vector<std::optional<wide>>>(payload_of(70'000));
    CHECK(refused.error().code == errc::invalid_argument);
    CHECK(
        refused.error().detail ==
        "payload: the elements of a payload of 70005 bytes may take 65 MiB once they are decoded, "
        "and these take more");
    // All that one payload asks for counts together, whatever holds it.
    const bytes halves = encode(std::vector<raw>(2, raw{payload_of(40'000)}));
    CHECK(decode<std::vector<std::list<std::optional<wide>>>>(halves).error().detail ==
          "payload[1]: the elements of a payload of 80011 bytes may take 65 MiB once they are "
          "decoded, and these take more");
    // A deque has memory even when it is empty, and a node of a set more than its element.
    const std::string empties(120'000, '\x90');
    CHECK_FALSE(decode<std::vector<std::deque<int>>>(
        bytes("\xdd" + std::string("\0\1\xd4\xc0", 4) + empties)));
    CHECK(decode<std::vector<std::list<int>>>(
        bytes("\xdd" + std::string("\0\1\xd4\xc0", 4) + empties)));
    std::string pointers = "\xdd";
    for (const int shift : {24, 16, 8, 0}) pointers += static_cast<char>(70'000u >> shift);
    for (int i = 0; i < 70'000; ++i) pointers += '\x80';
    CHECK_FALSE(decode<std::vector<std::unique_ptr<holder>>>(bytes(pointers)));
}

TEST_CASE("a reader passes over everything that msgpack has") {
    const bytes everything = packed([](auto& to) {
        to.pack_array(13);
        to.pack_nil();
        to.pack_true();
        to.pack(-1);
        to.pack(std::uint64_t{1} << 40);
        to.pack_float(1.5f);
        to.pack_double(1e300);
        to.pack(std::string(300, 's'));
        to.pack_bin(3);
        to.pack_bin_body("abc", 3);
        to.pack(std::map<int, std::vector<int>>{{1, {2, 3}}});
        for (const std::uint32_t size : {1u, 16u, 17u, 300u}) {
            to.pack_ext(size, -1);  // a timestamp's type, and lengths that are none of its own
            to.pack_ext_body(std::string(size, 'e').data(), size);
        }
    });
    reader from(everything);
    std::uint32_t count = 0;
    REQUIRE(from.array(count));
    for (std::uint32_t i = 0; i < count; ++i) CHECK(from.skip());
    from.leave();
    CHECK(from.finish());
    CHECK_FALSE(from.failed());
}

TEST_CASE("a reader tells the kind of what comes") {
    const auto kind_of = [](const bytes& payload) { return reader(payload).peek(); };
    CHECK(kind_of(bytes{}) == kind::none);
    CHECK(kind_of(octets({0xc1})) == kind::none);
    CHECK(kind_of(encode(nullptr)) == kind::nil);
    CHECK(kind_of(encode(false)) == kind::boolean);
    CHECK(kind_of(encode(-100)) == kind::integer);
    CHECK(kind_of(encode(1.5f)) == kind::real);
    CHECK(kind_of(encode("")) == kind::text);
    CHECK(kind_of(encode(bytes{})) == kind::binary);
    CHECK(kind_of(encode(std::vector<int>{})) == kind::array);
    CHECK(kind_of(encode(std::map<int, int>{})) == kind::map);
    CHECK(kind_of(octets({0xd4, 1, 2})) == kind::extension);
}

TEST_CASE("nesting is followed 64 levels deep and no deeper") {
    const auto nested = [](std::size_t levels) {
        return bytes(std::string(levels, '\x91') + '\x01');
    };
    CHECK(decode<raw>(nested(64)));
    CHECK(decode<raw>(nested(65)).error().detail == "payload: nested deeper than 64 levels");
    CHECK(decode<raw>(nested(1'000'000)).error().detail == "payload: nested deeper than 64 levels");
    // A field that nobody knows stands one level down already, and is as deep for all readers.
    const auto inside = [&](std::size_t levels) {
        return bytes(std::string("\x81\xa1x") + std::string(as_text(nested(levels))));
    };
    CHECK(decode<record>(inside(63)));
    CHECK(decode<raw>(inside(63)));
    CHECK(decode<record>(inside(64)).error().detail ==
          "record[\"x\"]: nested deeper than 64 levels");
    CHECK_FALSE(decode<raw>(inside(64)));
    // The same very far down.
    const bytes payload(std::string("\x81\xa1x") + std::string(as_text(nested(100'000))));
    CHECK(decode<record>(payload).error().detail == "record[\"x\"]: nested deeper than 64 levels");
    // Describing what came does not descend either.
    CHECK(decode<int>(nested(100'000)).error().detail.ends_with("got array of 1"));
}

TEST_CASE("the first error is the one that is told") {
    const bytes payload = encode(std::vector<int>{1});
    reader from(payload);
    bool flag = false;
    CHECK_FALSE(from.boolean(flag));
    CHECK_FALSE(from.fail_with("something later"));
    CHECK(from.take_error("here").detail == "here: expected boolean, got array of 1");
}

TEST_CASE("a codec of one's own joins paths and containers") {
    CHECK(encode(grade{'b'}) == encode("b"));
    CHECK(decode<std::vector<grade>>(encode(std::vector<grade>{{'a'}, {'f'}}))->size() == 2);
    CHECK(decode<std::vector<grade>>(encode(std::vector<std::string>{"a", "z"})).error().detail ==
          "payload[1]: expected a grade from a to f");
}

TEST_CASE("a codec that refuses without a reason is told to the caller as a defect") {
    reader from(bytes_view{});
    CHECK(from.take_error("x").code == errc::internal);
}
