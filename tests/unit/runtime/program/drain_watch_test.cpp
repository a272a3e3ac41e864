// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/drain_watch.hpp"

#include "tests/support/catch.hpp"

using namespace dunlin::program;

TEST_CASE("a node has left when the others say so or know it no more") {
    member drained;
    drained.instance = 4;
    const auto seen = [&](const char* state) {
        drained.state = state;
        return state_of_leaving({drained}, 4);
    };
    CHECK(seen("alive") == leaving::still_there);
    CHECK(seen("draining") == leaving::still_there);
    CHECK(seen("suspect") == leaving::still_there);
    CHECK(seen("left") == leaving::left);
    CHECK(seen("dead") == leaving::died);
    CHECK(state_of_leaving({}, 4) == leaving::left);
    // Its place may have been taken by a new process of the same name.
    drained.state = "alive";
    CHECK(state_of_leaving({drained}, 3) == leaving::left);
}
