// SPDX-License-Identifier: Apache-2.0
#include "client/member_views.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <vector>

using dunlin::link::member;
using dunlin::link::member_views;

namespace {

std::vector<member> list_of(std::vector<std::uint64_t> instances) {
    std::vector<member> list;
    for (const auto each : instances)
        list.push_back({each, "n" + std::to_string(each), false, {"tcp://127.0.0.1:1"}});
    return list;
}

}  // namespace

TEST_CASE("a member lives as long as any sender names it") {
    member_views views;
    CHECK(views.told(1, 1, list_of({1, 2, 3})));
    CHECK_FALSE(views.told(2, 1, list_of({1, 2, 3})));
    CHECK_FALSE(views.told(1, 2, list_of({1, 2})));
    CHECK(views.members().size() == 3);
    CHECK(views.told(2, 2, list_of({1, 2})));
    CHECK(views.members().size() == 2);
}

TEST_CASE("members know whether anyone but the member itself names it") {
    member_views views;
    CHECK(views.vouched_for(3));
    static_cast<void>(views.told(3, 1, list_of({1, 2, 3})));
    CHECK(views.vouched_for(3));  // there is nobody to ask
    static_cast<void>(views.told(1, 1, list_of({1, 2, 3})));
    CHECK(views.vouched_for(3));
    static_cast<void>(views.told(1, 2, list_of({1, 2})));
    CHECK_FALSE(views.vouched_for(3));
    CHECK(views.vouched_for(2));
    static_cast<void>(views.told(2, 1, list_of({1, 2, 3})));
    CHECK(views.vouched_for(3));
}
