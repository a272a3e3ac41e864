// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/member_use.hpp"

#include "runtime/text/json_payload.hpp"
#include "tests/support/catch.hpp"

using namespace dunlin;
using namespace dunlin::program;

namespace {

member known(const char* name, const char* state, double busy) {
    member one;
    one.name = name;
    one.state = state;
    one.busy = busy;
    return one;
}

bytes payload(const char* text) { return runtime::payload_from_json(text).value(); }

}  // namespace

TEST_CASE("members count with what they say, or else with what is known of them") {
    const std::vector<member> members{
        known("n1", "alive", 0.1), known("n2", "draining", 0.2), known("n3", "suspect", 0.3),
        known("n4", "dead", 0.4),  known("n5", "alive", 0.5),
    };
    const std::vector<member_answer> answers{
        {"n1", payload(R"({"busy": 0.6, "used": 0.9, "wait_us": 1500, "refused_recently": true})")},
        {"n2", payload(R"({"busy": 0.7})")},
        {"n3", error{errc::unavailable, "no answer"}},
        {"n5", payload(R"([1])")},
    };
    const auto uses = use_of(members, answers);
    REQUIRE(uses.size() == 4);
    CHECK(uses[0].used == 0.9);
    CHECK(uses[0].wait_ns == 1'500'000);
    CHECK(uses[0].refuses);
    CHECK_FALSE(uses[0].draining);
    CHECK(uses[1].used == 0.7);
    CHECK(uses[1].wait_ns == 0);
    CHECK(uses[1].draining);
    CHECK(uses[2].used == 0.3);
    CHECK_FALSE(uses[2].refuses);
    CHECK(uses[3].used == 0.5);
}
