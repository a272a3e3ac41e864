// SPDX-License-Identifier: Apache-2.0
#include "cluster/key_owners.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

using dunlin::as_bytes;
using dunlin::cluster::key_owners;
using dunlin::cluster::partition_map;
using dunlin::cluster::served_set;

namespace {

key_owners::member member_of(std::uint64_t instance, const std::string& name,
                             const std::vector<std::string>& functions, bool draining = false) {
    return {instance, name, draining, served_set::of(functions)};
}

std::string key(int number) { return "user/" + std::to_string(number); }

// Bench on one node, text on two others.
std::vector<key_owners::member> mixed() {
    return {member_of(1, "node-1", {"bench/echo"}), member_of(2, "node-2", {"text/count_words"}),
            member_of(3, "node-3", {"text/count_words", "text/slow"})};
}

}  // namespace

TEST_CASE("a key belongs to a member that serves the function, the same one for everybody") {
    key_owners owners;
    owners.assign(mixed());
    auto turned = mixed();
    std::reverse(turned.begin(), turned.end());
    key_owners others;
    others.assign(turned);
    const std::vector<std::string_view> names{"node-2", "node-3"};
    const partition_map among_servers(names);
    std::map<std::uint64_t, int> shares;
    for (int i = 0; i < 300; ++i) {
        const auto owner = owners.owner("text/count_words", key(i));
        CHECK(owner == among_servers.owner(key(i)) + 2);
        CHECK(others.owner("text/count_words", key(i)) == owner);
        CHECK(owners.owner("bench/echo", key(i)) == 1);
        CHECK(owners.owner("text/slow", key(i)) == 3);
        ++shares[owner];
    }
    CHECK(shares.size() == 2);
    CHECK(owners.owner("text/count_words", "k1") == 2);  // as WIRE.md says
    CHECK(owners.owner("text/nobody_serves_it", "k") == key_owners::nobody);
}

TEST_CASE("functions that the same members serve share one map") {
    key_owners owners;
    std::vector<std::string> functions;
    for (int i = 0; i < 100; ++i) functions.push_back("m/f" + std::to_string(i));
    owners.assign({member_of(1, "a", functions), member_of(2, "b", functions)});
    for (const auto& each : functions) CHECK(owners.owner(each, "k") != key_owners::nobody);
    CHECK(owners.maps() == 1);
    // Names that callers make up are nobody's, and take one map together.
    for (int i = 0; i < 20'000; ++i)
        CHECK(owners.owner("made/up" + std::to_string(i), "k") == key_owners::nobody);
    CHECK(owners.maps() <= 2);
}

TEST_CASE("members that drain own keys only when all that serve the function drain") {
    key_owners owners;
    auto members = mixed();
    members[1].draining = true;
    owners.assign(members);
    for (int i = 0; i < 50; ++i) CHECK(owners.owner("text/count_words", key(i)) == 3);
    members[2].draining = true;
    owners.assign(members);
    std::set<std::uint64_t> both;
    for (int i = 0; i < 50; ++i) both.insert(owners.owner("text/count_words", key(i)));
    CHECK(both == std::set<std::uint64_t>{2, 3});
}

TEST_CASE("a member that does not tell what it serves counts as one that serves all") {
    key_owners owners;
    auto members = mixed();
    members[0].serves = {};
    owners.assign(members);
    std::set<std::uint64_t> all;
    for (int i = 0; i < 100; ++i) all.insert(owners.owner("text/count_words", key(i)));
    CHECK(all == std::set<std::uint64_t>{1, 2, 3});
}

TEST_CASE("of two members with one name the larger instance owns keys") {
    key_owners owners;
    const std::vector<std::string> served{"m/f"};
    owners.assign({member_of(7, "twin", served), member_of(9, "twin", served)});
    CHECK(owners.owner("m/f", "k") == 9);
    owners.assign({member_of(9, "twin", served), member_of(7, "twin", served)});
    CHECK(owners.owner("m/f", "k") == 9);
}

TEST_CASE("a digest is the sorted hashes, and reads as it was told") {
    const std::vector<std::string> functions{"text/count_words", "bench/echo", "bench/echo"};
    const auto serves = served_set::of(functions);
    REQUIRE(serves.tells());
    CHECK(serves.size() == 2);
    CHECK(serves.may_serve(served_set::hash_of("bench/echo")));
    CHECK_FALSE(serves.may_serve(served_set::hash_of("bench/spin")));
    const auto view = serves.view();
    REQUIRE(served_set::is_digest(view));
    CHECK(served_set::told(view) == serves);
    // Whoever does not sort them is understood all the same.
    std::vector<std::byte> turned(view.begin() + 4, view.end());
    turned.insert(turned.end(), view.begin(), view.begin() + 4);
    CHECK(served_set::told(turned) == serves);
    CHECK_FALSE(served_set::is_digest(view.first(7)));
}

TEST_CASE(
    "a node that serves too many functions for a digest tells nothing, one without any does") {
    CHECK_FALSE(served_set().tells());
    CHECK_FALSE(
        served_set::of(std::vector<std::string>(served_set::functions_max + 1, "a/b")).tells());
    const auto nothing = served_set::of(std::vector<std::string>{});
    CHECK(nothing.tells());
    CHECK_FALSE(nothing.may_serve(served_set::hash_of("bench/echo")));
}
