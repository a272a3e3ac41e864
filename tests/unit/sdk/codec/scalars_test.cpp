// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/msgpack_oracle.hpp"

#include <dunlin/codec.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

enum class colour : std::uint8_t { red = 1, green = 2 };

// Numbers around every border between msgpack's forms.
std::vector<std::int64_t> interesting_numbers() {
    std::vector<std::int64_t> out{0, std::numeric_limits<std::int64_t>::min(),
                                  std::numeric_limits<std::int64_t>::max()};
    for (int bits = 0; bits < 63; ++bits) {
        const std::int64_t power = std::int64_t{1} << bits;
        for (const std::int64_t near : {power - 1, power, power + 1}) {
            out.push_back(near);
            out.push_back(-near);
        }
    }
    return out;
}

template <class T>
void check_range() {
    using limits = std::numeric_limits<T>;
    for (const std::int64_t number : interesting_numbers()) {
        const auto value = decode<T>(packed_value(number));
        const bool fits = std::in_range<T>(number);
        INFO(number << " into " << sizeof(T) * 8 << " bits");
        REQUIRE(value.has_value() == fits);
        if (fits) {
            CHECK(static_cast<std::int64_t>(*value) == number);
        } else {
            CHECK(value.error().detail ==
                  "payload: expected integer from " + std::to_string(limits::min()) + " to " +
                      std::to_string(limits::max()) + ", got " + std::to_string(number));
        }
    }
}

}  // namespace

TEST_CASE("an integer is written as msgpack-cxx writes it, in every width") {
    for (const std::int64_t number : interesting_numbers()) {
        INFO(number);
        CHECK(encode(number) == packed_value(number));
        if (number >= 0) {
            const auto natural = static_cast<std::uint64_t>(number);
            CHECK(encode(natural) == packed_value(natural));
        }
    }
    const auto most = std::numeric_limits<std::uint64_t>::max();
    CHECK(encode(most) == packed_value(most));
    CHECK(decode<std::uint64_t>(encode(most)).value() == most);
}

TEST_CASE("an integer is read when the type can hold it and refused when not") {
    check_range<std::int8_t>();
    check_range<std::int16_t>();
    check_range<std::int32_t>();
    check_range<std::int64_t>();
    check_range<std::uint8_t>();
    check_range<std::uint16_t>();
    check_range<std::uint32_t>();
    check_range<std::uint64_t>();
    CHECK(refusal<std::int64_t>(encode(std::numeric_limits<std::uint64_t>::max())) ==
          "payload: expected integer from -9223372036854775808 to 9223372036854775807, got "
          "18446744073709551615");
}

TEST_CASE("an integer in a wider form than it needs is read all the same") {
    CHECK(decode<int>(octets({0xd3, 0, 0, 0, 0, 0, 0, 0, 5})).value() == 5);
    CHECK(decode<unsigned>(octets({0xd0, 5})).value() == 5);
    CHECK(decode<int>(octets({0xcf, 0, 0, 0, 0, 0, 0, 0, 5})).value() == 5);
    CHECK(decode<std::uint8_t>(octets({0xcd, 0, 200})).value() == 200);
}

TEST_CASE("the refusal of another type says what came instead of an integer") {
    const std::string wanted = "payload: expected integer from 0 to 255, got ";
    CHECK(refusal<std::uint8_t>(encode("abc")) == wanted + "string \"abc\"");
    CHECK(refusal<std::uint8_t>(encode(nullptr)) == wanted + "nil");
    CHECK(refusal<std::uint8_t>(encode(true)) == wanted + "boolean true");
    CHECK(refusal<std::uint8_t>(encode(1.5)) == wanted + "number 1.5");
    CHECK(refusal<std::uint8_t>(encode(bytes(std::string_view("xy")))) ==
          wanted + "binary of 2 bytes");
    CHECK(refusal<std::uint8_t>(encode(std::vector<int>{1, 2, 3})) == wanted + "array of 3");
    CHECK(refusal<std::uint8_t>(encode(std::map<int, int>{{1, 2}})) == wanted + "map of 1");
    CHECK(refusal<std::uint8_t>(octets({0xd4, 1, 2})) == wanted + "extension");
    CHECK(refusal<std::uint8_t>(octets({0xc1})) == wanted + "a byte that msgpack does not use");
    CHECK(refusal<std::uint64_t>(encode("abc")) == "payload: expected integer, got string \"abc\"");
    CHECK(refusal<std::uint64_t>(encode(3.0)) == "payload: expected integer, got number 3.0");
    CHECK(refusal<std::uint64_t>(encode(-2.5)) == "payload: expected integer, got number -2.5");
}

TEST_CASE("text in an error is cut short and escaped") {
    CHECK(refusal<int>(encode(std::string("a\"b\\c\n\x1b[31m\xc3\xa9")))
              .ends_with(R"(got string "a\"b\\c\x0a\x1b[31m\xc3\xa9")"));
    CHECK(refusal<int>(encode(std::string(1000, 'x')))
              .ends_with("got string \"" + std::string(40, 'x') + "...\""));
}

TEST_CASE("a boolean is a boolean and no number") {
    CHECK(decode<bool>(packed_value(true)).value());
    CHECK_FALSE(decode<bool>(packed_value(false)).value());
    CHECK(encode(true) == packed_value(true));
    CHECK(refusal<bool>(encode(1)) == "payload: expected boolean, got integer 1");
    CHECK(refusal<int>(encode(true)) ==
          "payload: expected integer from -2147483648 to 2147483647, got boolean true");
}

TEST_CASE("a floating-point number travels exactly, in its own width") {
    for (const double number : {0.0, -0.0, 1.5, -1e300, 5e-324, 3.141592653589793}) {
        // msgpack-cxx writes whole numbers as integers, so it is only asked to read.
        CHECK(unpacked_as<double>(encode(number)) == number);
        CHECK(decode<double>(packed_value(number)).value() == number);
        CHECK(std::signbit(decode<double>(encode(number)).value()) == std::signbit(number));
        CHECK(decode<double>(encode(number)).value() == number);
    }
    CHECK(encode(1.25f) == packed_value(1.25f));
    CHECK(decode<float>(packed_value(1.25f)).value() == 1.25f);
    CHECK(decode<double>(packed_value(1.25f)).value() == 1.25);
    CHECK(decode<float>(packed_value(0.1)).value() == 0.1f);
    CHECK(std::isnan(decode<double>(encode(std::nan(""))).value()));
    CHECK(std::isinf(decode<float>(encode(std::numeric_limits<double>::infinity())).value()));
}

TEST_CASE("a floating-point number takes integers but nothing else") {
    CHECK(decode<double>(encode(-7)).value() == -7.0);
    CHECK(decode<double>(encode(std::numeric_limits<std::uint64_t>::max())).value() ==
          18446744073709551615.0);
    CHECK(decode<float>(encode(3)).value() == 3.0f);
    CHECK(refusal<double>(encode("1.5")) == "payload: expected number, got string \"1.5\"");
    CHECK(refusal<float>(encode(1e300)) ==
          "payload: expected number in the range of a 32-bit float, got 1e+300");
}

TEST_CASE("text is written as msgpack-cxx writes it, at every length of head") {
    for (const std::size_t size : {0u, 1u, 31u, 32u, 255u, 256u, 65535u, 65536u}) {
        const std::string text(size, 't');
        INFO(size);
        CHECK(encode(text) == packed_value(text));
        CHECK(decode<std::string>(packed_value(text)).value() == text);
        CHECK(unpacked_as<std::string>(encode(text)) == text);
    }
    CHECK(encode("literal") == packed_value(std::string("literal")));
    const char* pointer = "pointer";
    CHECK(encode(pointer) == packed_value(std::string("pointer")));
    CHECK(refusal<std::string>(encode(5)) == "payload: expected string, got integer 5");
}

TEST_CASE("binary is written as msgpack-cxx writes it, at every length of head") {
    for (const std::size_t size : {0u, 1u, 255u, 256u, 65535u, 65536u}) {
        const std::string text(size, 'b');
        const bytes expected = packed([&](auto& to) {
            to.pack_bin(static_cast<std::uint32_t>(size));
            to.pack_bin_body(text.data(), static_cast<std::uint32_t>(size));
        });
        INFO(size);
        CHECK(encode(bytes(text)) == expected);
        CHECK(encode(as_bytes(text)) == expected);
        CHECK(as_text(decode<bytes>(expected).value()) == text);
        CHECK(decode<std::vector<std::byte>>(expected)->size() == size);
        CHECK(encode(*decode<std::vector<std::byte>>(expected)) == expected);
    }
    CHECK(refusal<bytes>(encode(5)) == "payload: expected binary, got integer 5");
}

TEST_CASE("binary takes text as its bytes, for callers that only have JSON") {
    CHECK(as_text(decode<bytes>(encode("text")).value()) == "text");
    const bytes payload = encode("text");
    CHECK(as_text(decode<bytes_view>(payload).value()) == "text");
    CHECK(refusal<std::string>(encode(bytes(std::string_view("raw")))) ==
          "payload: expected string, got binary of 3 bytes");
}

TEST_CASE("views point into the payload and bytes share it") {
    const bytes payload = encode(bytes(std::string(100, 'z')));
    const auto inside = [&](const std::byte* at) {
        return at >= payload.data() && at < payload.data() + payload.size();
    };
    CHECK(inside(decode<bytes_view>(payload)->data()));
    CHECK(inside(decode<bytes>(payload)->data()));
    CHECK(decode<bytes>(payload)->owner() == payload.owner());
    // Nobody owns a view: the bytes have to be copied.
    CHECK_FALSE(inside(decode<bytes>(payload.view())->data()));

    bytes kept;
    {
        const bytes passing = encode(bytes(std::string_view("still here")));
        kept = decode<bytes>(passing).value();
    }
    CHECK(as_text(kept) == "still here");
}

TEST_CASE("raw takes any one value and gives it back byte for byte") {
    const std::vector<bytes> payloads{encode(nullptr),
                                      encode(1'000'000),
                                      encode("text"),
                                      encode(std::map<int, std::vector<int>>{{1, {2, 3}}}),
                                      octets({0xd3, 0, 0, 0, 0, 0, 0, 0, 1}),
                                      octets({0xd6, 0xff, 1, 2, 3, 4})};
    for (const bytes& payload : payloads) {
        const auto value = decode<raw>(payload);
        REQUIRE(value);
        CHECK(encode(*value) == payload);
    }
    CHECK(encode(raw{}) == encode(nullptr));
    CHECK(refusal<raw>(octets({0x92, 1})) ==
          "payload: expected a value, but the payload ends after 2 bytes");
    CHECK(refusal<raw>(octets({1, 2})) == "payload: 1 byte follows the value");
}

TEST_CASE("an enum travels as its integer, named or not") {
    CHECK(encode(colour::green) == encode(2));
    CHECK(decode<colour>(encode(1)).value() == colour::red);
    CHECK(decode<colour>(encode(77)).value() == colour{77});
    CHECK(refusal<colour>(encode(256)) == "payload: expected integer from 0 to 255, got 256");
}

TEST_CASE("a duration travels as its count") {
    using namespace std::chrono_literals;
    CHECK(encode(1500us) == encode(1500));
    CHECK(decode<std::chrono::milliseconds>(encode(-3)).value() == -3ms);
    CHECK(decode<std::chrono::duration<double>>(encode(0.5)).value() == 500ms);
    CHECK(refusal<std::chrono::seconds>(encode("3s")) ==
          "payload: expected integer, got string \"3s\"");
}

TEST_CASE("nil is a value of its own") {
    CHECK(encode(nullptr) == octets({0xc0}));
    CHECK(encode(std::monostate{}) == octets({0xc0}));
    CHECK(decode<std::monostate>(octets({0xc0})));
    CHECK(refusal<std::monostate>(encode(0)) == "payload: expected nil, got integer 0");
}

static_assert(borrows_v<std::string_view> && borrows_v<bytes_view> && borrows_v<raw>);
static_assert(!borrows_v<std::string> && !borrows_v<bytes> && !borrows_v<int>);
static_assert(!encodable<void*> && !decodable<const char*>);
static_assert(std::is_nothrow_move_constructible_v<bytes>);
