// SPDX-License-Identifier: Apache-2.0
#include "runtime/offered_keys.hpp"

#include "tests/support/catch.hpp"
#include "wire/cluster_items.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

constexpr std::uint64_t leaves = 1;

std::shared_ptr<const cluster_view> members(std::uint64_t others) {
    const std::vector<std::string> served{"space:texts"};
    auto view = std::make_shared<cluster_view>();
    for (std::uint64_t instance = leaves; instance <= leaves + others; ++instance) {
        auto& member = view->members.emplace_back();
        member.instance = instance;
        member.name = "n" + std::to_string(instance);
        member.draining = instance == leaves;
        member.serves = cluster::served_set::of(served);
    }
    return view;
}

std::vector<std::string> many(std::size_t count, std::size_t bytes = 8) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < count; ++i) {
        auto key = std::to_string(i);
        keys.push_back(std::string(bytes - std::min(bytes, key.size()), '0') + key);
    }
    return keys;
}

}  // namespace

TEST_CASE("each key is offered to the member that owns it by now, in the order that was given") {
    owner_lookup owners;
    owners.seen(members(2));
    const auto keys = many(100);
    std::size_t all = 0;
    for (const auto& each : offers_of("texts", keys, owners, leaves)) {
        CHECK(each.space == "texts");
        CHECK(each.to != leaves);
        CHECK(std::is_sorted(each.keys.begin(), each.keys.end()));
        for (const auto& key : each.keys) CHECK(owners.instance("texts", key) == each.to);
        all += each.keys.size();
    }
    CHECK(all == keys.size());
}

TEST_CASE("an offer has no more keys and bytes than a message may") {
    owner_lookup owners;
    owners.seen(members(1));
    const auto short_ones = offers_of("texts", many(600), owners, leaves);
    REQUIRE(short_ones.size() == 3);
    CHECK(short_ones[0].keys.size() == 256);
    CHECK(short_ones[2].keys.size() == 88);
    CHECK(short_ones[2].keys.back() == many(600).back());
    for (const auto& each : offers_of("texts", many(600, 255), owners, leaves)) {
        std::size_t bytes = 0;
        for (const auto& key : each.keys) bytes += wire::bytes_max(wire::key_item{as_bytes(key)});
        CHECK(bytes <= wire::list_bytes_max);
    }
}

TEST_CASE("nobody is offered what stays, or what nobody owns") {
    owner_lookup owners;
    CHECK(offers_of("texts", many(3), owners, leaves).empty());
    owners.seen(members(0));
    CHECK(offers_of("texts", many(3), owners, leaves).empty());
    CHECK(offers_of("others", many(3), owners, leaves).empty());
}
