// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/peer.hpp"
#include "tests/support/catch.hpp"

#include <set>

using namespace dunlin::runtime;

TEST_CASE("a peer is found by its routing id until it is removed") {
    peer_table peers;
    CHECK(peers.find("a") == nullptr);
    auto& a = peers.add("a");
    auto& b = peers.add("b");
    CHECK(peers.find("a") == &a);
    CHECK(peers.find("b") == &b);
    CHECK(peers.size() == 2);
    peers.remove(b);
    CHECK(peers.find("b") == nullptr);  // the one found last as well
    CHECK(peers.find("a") == &a);
    CHECK(peers.size() == 1);
}

TEST_CASE("routing ids are bytes: zeroes in them count") {
    using namespace std::string_view_literals;
    peer_table peers;
    auto& one = peers.add("\0\1"sv);
    auto& two = peers.add("\0\2"sv);
    CHECK(peers.find("\0\1"sv) == &one);
    CHECK(peers.find("\0\2"sv) == &two);
    CHECK(peers.find("\0"sv) == nullptr);
}

TEST_CASE("each peer is visited once") {
    peer_table peers;
    for (const auto* id : {"a", "b", "c"}) peers.add(id);
    std::set<std::string> visited;
    peers.for_each([&](peer& each) { CHECK(visited.insert(each.routing_id).second); });
    CHECK(visited.size() == 3);
}
