// SPDX-License-Identifier: Apache-2.0
#include "client/call_table.hpp"

#include "tests/support/catch.hpp"

#include <set>
#include <vector>

using dunlin::link::call;
using dunlin::link::call_table;

TEST_CASE("call table finds a call by its id until it is settled") {
    call_table table(10);
    call& opened = table.open();
    CHECK(opened.id != 0);
    const auto id = opened.id;
    CHECK(table.find(id) == &opened);
    CHECK(table.find(0) == nullptr);
    CHECK(table.find(id + 1) == nullptr);
    CHECK(table.find(~std::uint64_t{0}) == nullptr);
    table.settle(opened);
    CHECK(table.find(id) == nullptr);
    CHECK(table.in_flight() == 0);
}

TEST_CASE("call table never gives an id twice") {
    call_table table(1);
    std::set<std::uint64_t> ids;
    for (int i = 0; i < 1000; ++i) {
        call& opened = table.open();
        REQUIRE(ids.insert(opened.id).second);
        table.settle(opened);
        table.release(opened);
    }
}

TEST_CASE("call table is full at its limit, and a settled call makes room before its release") {
    call_table table(1000);
    std::vector<call*> calls;
    while (!table.full()) calls.push_back(&table.open());
    CHECK(calls.size() == 1000);
    table.settle(*calls[500]);
    REQUIRE_FALSE(table.full());
    call& another = table.open();
    CHECK(&another != calls[500]);
    CHECK(table.full());
    std::size_t visited = 0;
    table.for_each([&](call& open) {
        ++visited;
        table.settle(open);
    });
    CHECK(visited == 1000);
    CHECK(table.in_flight() == 0);
}
