// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/key_hash.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <string_view>

using namespace dunlin;
using runtime::store::key_hash;
using runtime::store::key_hasher;

namespace {

// The key of SipHash's own vectors, 00 01 .. 0f.
const key_hasher hash{0x0706'0504'0302'0100u, 0x0f0e'0d0c'0b0a'0908u};

}  // namespace

// By OpenSSL: `openssl mac -macopt hexkey:000102..0f -macopt size:16 SIPHASH`.
TEST_CASE("a key's hash is SipHash-2-4 of its space and its bytes", "[store]") {
    CHECK(hash(0x0102'0304'0506'0708u, {}) ==
          key_hash{0x5d02'3e70'5da2'04b6u, 0x0fed'e03e'64ec'c727u});
    CHECK(hash(0, as_bytes(std::string_view("key"))) ==
          key_hash{0x0b4f'177e'614f'ab3du, 0xd4a0'6f6f'1133'd3e3u});
    CHECK(hash(0xffff'ffffu, as_bytes(std::string_view("visitor/0123456789"))) ==
          key_hash{0x44b7'14f3'4c55'd442u, 0xb012'cbfd'18a9'3d73u});
}

TEST_CASE("hashes differ by space, by key and by secret", "[store]") {
    const auto key = as_bytes(std::string_view("visitor/1"));
    CHECK(hash(1, key) == hash(1, key));
    CHECK_FALSE(hash(1, key) == hash(2, key));
    CHECK_FALSE(hash(1, key) == hash(1, as_bytes(std::string_view("visitor/2"))));
    CHECK_FALSE(hash(1, key) == key_hasher(1, 2)(1, key));
    // Zeros at the end count.
    CHECK_FALSE(hash(1, as_bytes(std::string(3, '\0'))) == hash(1, as_bytes(std::string(4, '\0'))));
}
