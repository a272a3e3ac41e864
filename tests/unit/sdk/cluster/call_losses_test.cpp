// SPDX-License-Identifier: Apache-2.0
#include "cluster/call_losses.hpp"

#include "tests/support/catch.hpp"

using dunlin::cluster::call_losses;

TEST_CASE("a node whose connection was closed counts as lost with the call") {
    call_losses losses;
    losses.add({.instance = 1, .sent_ns = 10, .heard_ns = 5}, 20);
    CHECK(losses.count() == 1);
    CHECK(losses.first() == 1);
    losses.add({.instance = 2, .sent_ns = 20, .heard_ns = 0}, 30);
    CHECK(losses.count() == 2);
    CHECK(losses.first() == 1);
}

TEST_CASE("the node that somebody else has counted as lost with the call is not counted again") {
    call_losses losses(1, 7);
    losses.add({.instance = 7, .sent_ns = 10}, 20);
    CHECK(losses.count() == 1);
    losses.add({.instance = 8, .sent_ns = 20}, 30);
    CHECK(losses.count() == 2);
    // Who it was is not always told.
    call_losses unnamed(1, 0);
    unnamed.add({.instance = 7, .sent_ns = 10}, 20);
    CHECK(unnamed.count() == 2);
}

TEST_CASE("a node that has said nothing since the call was sent may not have read it") {
    call_losses losses;
    CHECK_FALSE(losses.add({.instance = 1, .silent = true, .sent_ns = 10, .heard_ns = 10}, 100));
    CHECK(losses.count() == 0);
    CHECK(losses.add({.instance = 2, .silent = true, .sent_ns = 100, .heard_ns = 101}, 200));
    CHECK(losses.count() == 1);
    CHECK(losses.first() == 2);
}

TEST_CASE("two nodes that fell silent while both had the call count once") {
    call_losses losses;
    losses.add({.instance = 1, .silent = true, .sent_ns = 10, .heard_ns = 30}, 100);
    losses.add({.instance = 2, .silent = true, .sent_ns = 20, .heard_ns = 30}, 101);
    CHECK(losses.count() == 1);
    SECTION("the next one counts") {
        losses.add({.instance = 3, .silent = true, .sent_ns = 101, .heard_ns = 110}, 200);
        CHECK(losses.count() == 2);
    }
    SECTION("and so does one whose connection was closed beside it") {
        losses.add({.instance = 3, .sent_ns = 25, .heard_ns = 30}, 102);
        CHECK(losses.count() == 2);
    }
}

TEST_CASE("of what nodes on the way have counted and one's own the greater holds") {
    call_losses losses(1, 7);
    losses.at_least(0);
    CHECK(losses.count() == 1);
    losses.at_least(2);
    CHECK(losses.count() == 2);
}
