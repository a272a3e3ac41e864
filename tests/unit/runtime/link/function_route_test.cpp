// SPDX-License-Identifier: Apache-2.0
#include "runtime/link/function_route.hpp"

#include "runtime/link/peer_link.hpp"
#include "tests/support/catch.hpp"

using namespace dunlin;
using namespace dunlin::runtime;

TEST_CASE("what a client has chosen is sent on only by what was heard since all were taken") {
    function_route route("test/nap", nullptr, "own", 1);
    route.open[function_route::own_place] = true;
    route.candidates[function_route::own_place].learn({500'000'000, 10'000'000, 0, 1.0F}, 0, 100);
    peer_link before;
    peer_link since;
    const auto old_place = route.add(before, true, 0);
    const auto new_place = route.add(since, true, 0);
    for (const auto place : {old_place, new_place}) route.open[place] = true;
    route.candidates[old_place].learn({0, 10'000'000, 8, 0.0F}, 0, 50);
    route.candidates[new_place].learn({200'000'000, 10'000'000, 0, 1.0F}, 0, 51);

    // The idle one said so before the calls came that are waiting here.
    cluster::spread spread(1);
    route.refresh_standings(100);
    CHECK(spread.choose(route.candidates, {}, 100) == old_place);
    route.bar_unheard_since(50);
    CHECK(spread.choose(route.candidates, {}, 100) == new_place);
    route.bar_unheard_since(51);
    CHECK(spread.choose(route.candidates, {}, 100) == function_route::own_place);

    // For that call only.
    route.refresh_standings(100);
    CHECK(spread.choose(route.candidates, {}, 100) == old_place);
}

TEST_CASE("a route knows where keys come from as the last node told, that serves the function") {
    function_route route("test/visit", nullptr, "own", 1);
    CHECK(route.owned_as == "test/visit");
    CHECK(route.key_field.empty());
    route.learn_keys("visitor", "visitors");
    CHECK(route.owned_as == "space:visitors");
    CHECK(route.key_field == "visitor");
    route.learn_keys("id", "");
    CHECK(route.owned_as == "test/visit");
    CHECK(route.key_field == "id");
}
