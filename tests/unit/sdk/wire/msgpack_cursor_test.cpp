// SPDX-License-Identifier: Apache-2.0
#include "wire/msgpack_cursor.hpp"

#include "tests/support/catch.hpp"
#include "wire/msgpack_put.hpp"

#include <msgpack.hpp>

#include <cstdint>
#include <limits>
#include <random>
#include <string>

namespace {

using namespace dunlin;
using wire::msgpack_cursor;
using wire::msgpack_fault;
using wire::msgpack_type;
using packer = msgpack::packer<msgpack::sbuffer>;

// Any msgpack value, of every format that msgpack-cxx writes.
void pack_anything(packer& to, std::mt19937_64& random, int depth_left) {
    const auto size =
        static_cast<std::uint32_t>(random() % 40 == 0 ? random() % 70'000 : random() % 40);
    const std::string data(size, 'x');
    switch (random() % (depth_left > 0 ? 11 : 9)) {
        case 0: to.pack_nil(); return;
        case 1: to.pack(random() % 2 == 0); return;
        case 2: to.pack(random() >> (random() % 64)); return;
        case 3: to.pack(-static_cast<std::int64_t>(random() >> (1 + random() % 63))); return;
        case 4: to.pack(1.5); return;
        case 5: to.pack(1.5f); return;
        case 6: to.pack(data); return;
        case 7:
            to.pack_bin(size);
            to.pack_bin_body(data.data(), size);
            return;
        case 8:
            to.pack_ext(size, 7);
            to.pack_ext_body(data.data(), size);
            return;
        case 9:
            to.pack_array(size % 40);
            for (std::uint32_t i = 0; i < size % 40; ++i) pack_anything(to, random, depth_left - 1);
            return;
        default:
            to.pack_map(size % 20);
            for (std::uint32_t i = 0; i < size % 20; ++i) {
                pack_anything(to, random, 0);
                pack_anything(to, random, depth_left - 1);
            }
    }
}

}  // namespace

TEST_CASE("skip passes over exactly one value of any kind, and never over half of one") {
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 2'000; ++round) {
        msgpack::sbuffer memory;
        packer to(memory);
        pack_anything(to, random, 3);
        const std::string_view whole(memory.data(), memory.size());

        msgpack_cursor cursor(as_bytes(whole));
        REQUIRE(cursor.skip());
        REQUIRE(cursor.at_end());

        msgpack_cursor cut(as_bytes(whole.substr(0, random() % whole.size())));
        const auto* start = cut.position();
        REQUIRE_FALSE(cut.skip());
        REQUIRE(cut.fault() == msgpack_fault::truncated);
        REQUIRE(cut.position() == start);
    }
}

TEST_CASE("every first byte has one type, and skip agrees with it") {
    for (unsigned tag = 0; tag < 256; ++tag) {
        INFO("tag " << tag);
        // Zeros are lengths of zero, numbers, and integers as elements.
        const std::string value = std::string(1, static_cast<char>(tag)) + std::string(40, '\0');
        msgpack_cursor cursor(as_bytes(value));
        std::size_t size = 0;
        if (cursor.peek() == msgpack_type::none) {
            CHECK(tag == 0xc1);
            CHECK_FALSE(cursor.skip());
            CHECK(cursor.fault() == msgpack_fault::mismatch);
            continue;
        }
        REQUIRE(cursor.skip());
        msgpack::unpack(value.data(), value.size(), size);
        CHECK(cursor.remaining() == value.size() - size);
    }
}

TEST_CASE("a read of the wrong type fails and moves nothing") {
    const std::string value = "\xa2hi";
    msgpack_cursor cursor(as_bytes(value));
    std::uint64_t number = 0;
    std::int64_t signed_number = 0;
    std::uint32_t count = 0;
    double real = 0;
    bool flag = false;
    bytes_view blob;
    CHECK_FALSE(cursor.read_uint(number));
    CHECK_FALSE(cursor.read_int(signed_number));
    CHECK_FALSE(cursor.read_array(count));
    CHECK_FALSE(cursor.read_map(count));
    CHECK_FALSE(cursor.read_real(real));
    CHECK_FALSE(cursor.read_bool(flag));
    CHECK_FALSE(cursor.read_bin(blob));
    CHECK_FALSE(cursor.take_nil());
    CHECK(cursor.fault() == msgpack_fault::mismatch);
    std::string_view text;
    REQUIRE(cursor.read_str(text));
    CHECK(text == "hi");
    CHECK(cursor.at_end());
    CHECK_FALSE(cursor.read_uint(number));
    CHECK(cursor.fault() == msgpack_fault::truncated);
}

TEST_CASE("a number out of the range asked for is left in place") {
    std::string value(14, '\0');
    wire::put_uint(wire::put_uint(reinterpret_cast<std::uint8_t*>(value.data()), 0xffff'ffffu),
                   std::uint64_t{1} << 63);
    msgpack_cursor cursor(as_bytes(value));
    std::uint32_t narrow = 0;
    REQUIRE(cursor.read_uint(narrow));
    CHECK(narrow == 0xffff'ffffu);
    CHECK_FALSE(cursor.read_uint(narrow));
    std::int64_t signed_number = 0;
    CHECK_FALSE(cursor.read_int(signed_number));
    std::uint64_t number = 0;
    REQUIRE(cursor.read_uint(number));
    CHECK(number == std::uint64_t{1} << 63);
}

TEST_CASE("a container that claims more than the memory holds is refused by its head") {
    std::uint32_t count = 0;
    const std::string array = std::string("\xdd\xff\xff\xff\xff", 5) + std::string(100, '\0');
    msgpack_cursor in_array(as_bytes(array));
    CHECK_FALSE(in_array.read_array(count));
    CHECK(in_array.fault() == msgpack_fault::truncated);
    const std::string map = std::string("\xde\x00\x04", 3) + std::string(7, '\0');
    msgpack_cursor in_map(as_bytes(map));
    CHECK_FALSE(in_map.read_map(count));
    CHECK(in_map.fault() == msgpack_fault::truncated);
}

TEST_CASE("what the writers put is what msgpack-cxx packs") {
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    std::uint8_t memory[16];
    const auto put = [&](auto* write, auto value) {
        return std::string(memory, write(memory, value));
    };
    const auto packed = [](auto write) {
        msgpack::sbuffer to;
        packer with(to);
        write(with);
        return std::string(to.data(), to.size());
    };
    for (int round = 0; round < 10'000; ++round) {
        const std::uint64_t number = random() >> (random() % 64);
        const auto negative = -static_cast<std::int64_t>(number >> 1);
        const auto count = static_cast<std::uint32_t>(random() >> (32 + random() % 32));
        REQUIRE(put(&wire::put_uint, number) == packed([&](packer& to) { to.pack(number); }));
        REQUIRE(put(&wire::put_int, negative) == packed([&](packer& to) { to.pack(negative); }));
        REQUIRE(put(&wire::put_array, count) == packed([&](packer& to) { to.pack_array(count); }));
        REQUIRE(put(&wire::put_map, count) == packed([&](packer& to) { to.pack_map(count); }));
        REQUIRE(put(&wire::put_str_head, count) == packed([&](packer& to) { to.pack_str(count); }));
        REQUIRE(put(&wire::put_bin_head, count) == packed([&](packer& to) { to.pack_bin(count); }));

        std::int64_t read = 0;
        const auto written = put(&wire::put_int, negative);
        msgpack_cursor cursor(as_bytes(written));
        REQUIRE(cursor.read_int(read));
        REQUIRE(read == negative);
    }
    const auto lowest = std::numeric_limits<std::int64_t>::min();
    CHECK(put(&wire::put_int, lowest) == packed([&](packer& to) { to.pack(lowest); }));
}
