// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/routing_ids.hpp"

#include "tests/support/catch.hpp"

#include <set>
#include <string>

using dunlin::runtime::routing_id_count;
using namespace std::string_view_literals;

namespace {

std::string id(std::uint32_t number) { return routing_id_count::id_of(number); }

}  // namespace

TEST_CASE("a routing id's number is read as ZeroMQ writes it") {
    CHECK(id(0x01020304) == "\0\1\2\3\4"sv);
    CHECK(routing_id_count::number_of(id(0xfffefdfc)) == 0xfffefdfc);
    CHECK_FALSE(routing_id_count::number_of("\1\1\2\3\4"sv));
    CHECK_FALSE(routing_id_count::number_of("\0\1\2\3"sv));
}

TEST_CASE("ids that no connection can have got are claims, those of connections are not") {
    routing_id_count count;
    CHECK_FALSE(count.is_claim(id(77)));  // nothing is known yet
    CHECK(count.is_claim("\0too long"sv));
    CHECK_FALSE(count.is_claim("chosen"sv));
    count.learned(100, 2);  // two connections were there that may be 101 and 102
    CHECK_FALSE(count.is_claim(id(100)));
    CHECK_FALSE(count.is_claim(id(102)));
    CHECK(count.is_claim(id(103)));
    count.accepted();
    CHECK_FALSE(count.is_claim(id(103)));
    CHECK(count.is_claim(id(104)));
    CHECK(count.is_claim(id(100 + (1u << 30))));
}

TEST_CASE("the count of routing ids may wrap") {
    routing_id_count count;
    count.learned(0xffffffff, 0);
    CHECK(count.is_claim(id(0)));
    count.accepted();
    CHECK_FALSE(count.is_claim(id(0)));
    CHECK(count.is_claim(id(1)));
}

TEST_CASE("a claim ahead of the count shows behind the ids that were given out meanwhile") {
    std::set<std::string> taken;
    const auto is_taken = [&](const std::string& each) { return taken.contains(each); };
    CHECK(routing_id_count::claims_ahead(100, is_taken) == 0);
    for (const std::uint32_t given : {101u, 102u, 105u, 110u}) taken.insert(id(given));
    CHECK(routing_id_count::claims_ahead(100, is_taken) == 0);  // some have left again
    taken.insert(id(110 + 17));
    CHECK(routing_id_count::claims_ahead(100, is_taken) == 1);
    taken.insert(id(110 + 16 + routing_id_count::looked_ahead));
    CHECK(routing_id_count::claims_ahead(100, is_taken) == 2);
    taken.insert(id(110 + 17 + routing_id_count::looked_ahead));
    CHECK(routing_id_count::claims_ahead(100, is_taken) == 2);
    taken.clear();
    taken.insert(id(40));
    CHECK(routing_id_count::claims_ahead(0xffffffff, is_taken) == 1);
}
