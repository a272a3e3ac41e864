// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/origin_seal.hpp"

#include "tests/support/catch.hpp"

#include <set>
#include <string>

using namespace dunlin::runtime;

TEST_CASE("SipHash is the one of its authors") {
    std::array<std::byte, 16> key{};
    std::array<std::byte, 15> data{};
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::byte>(i);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i);
    CHECK(sip_hash(key, data) == 0xa129ca6149be45e5);
    CHECK(sip_hash(key, {}) == 0x726fdb47dd0e0e31);
    CHECK(sip_hash(key, std::span(data).first(8)) == 0x93f5f5799a932462);
}

TEST_CASE("each key has origins of its own, the same on every node of a cluster") {
    const std::string secret(40, 's');
    const std::string shop(40, 'a');
    const std::string other(40, 'b');
    const origin_seal seal(secret);
    CHECK(seal.origin_of(shop, 7) == origin_seal(secret).origin_of(shop, 7));
    std::set<std::uint64_t> all;
    for (std::uint64_t told = 0; told < 100; ++told)
        for (const auto& key : {shop, other}) {
            all.insert(seal.origin_of(key, told));
            all.insert(origin_seal(std::string(40, 't')).origin_of(key, told));
        }
    CHECK(all.size() == 400);
    CHECK(all.count(0) == 0);
}
