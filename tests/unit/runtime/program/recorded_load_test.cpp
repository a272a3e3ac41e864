// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/recorded_load.hpp"

#include "tests/support/catch.hpp"

using namespace dunlin::program;

namespace {

using counts = std::vector<std::uint32_t>;
constexpr std::int64_t period = 100'000'000;

}  // namespace

TEST_CASE("what several nodes have recorded is added up by period") {
    recorded_load load;
    load.add_calls("a/x", 0, counts{1, 2, 3});
    load.add_calls("a/x", 1, counts{10, 10});
    load.add_calls("a/x", 3, counts{5, 99});
    load.add_calls("a/y", 2, counts{7});
    load.add_service("a/x", 3, 9e6);
    load.add_service("a/x", 1, 3e6);
    load.add_service("a/y", 7, 14e6);
    CHECK(load.calls() == 137);
    const auto made = load.made("tcp://here", 4, period);
    CHECK(made.name == "tcp://here");
    CHECK(made.edges_ns ==
          std::vector<std::int64_t>{0, period, 2 * period, 3 * period, 4 * period});
    REQUIRE(made.functions.size() == 2);
    CHECK(made.functions[0].name == "a/x");
    CHECK(made.functions[0].counts == counts{1, 12, 13, 5});  // of the whole, not what came behind
    CHECK(made.functions[0].service_ns == 3e6);
    CHECK(made.functions[1].counts == counts{0, 0, 7, 0});
    CHECK(made.functions[1].service_ns == 2e6);
    CHECK(made.functions[1].line == 3);
}

TEST_CASE("functions that nobody called are known and not in the trace") {
    recorded_load load;
    load.know("a/none");
    load.add_calls("a/none", 0, counts{0, 0});
    load.add_calls("a/late", 2, counts{4});
    CHECK(load.functions() == std::vector<std::string>{"a/late", "a/none"});
    CHECK(load.made("t", 2, period).functions.empty());
    CHECK(load.made("t", 3, period).functions.size() == 1);
}

TEST_CASE("calls of which none has ended take as long as they have taken so far") {
    recorded_load load;
    load.add_calls("a/x", 0, counts{2});
    load.add_service("a/x", 0, 400e6);
    CHECK(load.made("t", 1, period).functions[0].service_ns == 200e6);
}
