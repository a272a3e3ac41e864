// SPDX-License-Identifier: Apache-2.0
#include "runtime/space_modes.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

actors::function_info in_space(std::string space) {
    actors::function_info info;
    info.name = "site/visit";
    info.space = std::move(space);
    return info;
}

std::string refusal(const state_config& said) {
    const auto visitors = in_space("visitors");
    const auto pages = in_space("pages");
    const auto modes = modes_of({&visitors, &pages, &visitors}, said);
    if (modes) return "";
    CHECK(modes.error().code == errc::invalid_argument);
    return modes.error().detail;
}

}  // namespace

TEST_CASE("the modes that an operator says are those of the spaces that the node's modules name") {
    const auto visitors = in_space("visitors");
    const auto pages = in_space("pages");
    state_config said;
    said.relaxed = {"visitors"};
    said.ephemeral = {"pages", "pages"};
    const auto modes = modes_of({&visitors, &pages}, said);
    REQUIRE(modes);
    CHECK(*modes == actors::hot_state::mode_table{{"pages", DUNLIN_STATE_EPHEMERAL},
                                                  {"visitors", DUNLIN_STATE_RELAXED}});
    CHECK(modes_of({}, state_config{})->empty());
}

TEST_CASE("a space that nobody serves, and one with two modes, end the start with a sentence") {
    state_config said;
    said.relaxed = {"visitor"};
    CHECK(
        refusal(said) ==
        "state.relaxed names space 'visitor', which no function of this node's modules names; did "
        "you mean visitors?");
    said.relaxed = {"elsewhere"};
    CHECK(refusal(said) ==
          "state.relaxed names space 'elsewhere', which no function of this node's modules names; "
          "load its module, or take it out");
    said.relaxed = {"pages"};
    said.durable = {"pages"};
    CHECK(refusal(said) ==
          "state.relaxed names space 'pages', which another list names as well; it has one mode");
}
