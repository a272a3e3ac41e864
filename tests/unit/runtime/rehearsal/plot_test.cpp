// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/plot.hpp"

#include "tests/support/catch.hpp"

using namespace dunlin::runtime::rehearsal;

namespace {

std::size_t number_of(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

}  // namespace

TEST_CASE("a plot has load, actors and waits of each function under each policy") {
    trace load{"t", {0, 60'000'000'000, 120'000'000'000}, {}};
    load.functions.push_back({"a", 2, 1e9, {10, 0}});
    load.functions.push_back({"b", 3, 0, {0, 0}});
    rehearsal_plan plan;
    plan.recorded = {0, 1};
    std::vector<outcome> outcomes;
    for (const auto* policy : {"dunlin", "fixed:2"})
        outcomes.push_back(
            rehearse(load, *parse_policy(policy), plan, [](double) { return true; }));
    const std::vector<std::string> titles{"line 2, a", "<b> & co"};
    const auto svg = plot(outcomes, titles);
    CHECK(svg.starts_with("<svg "));
    CHECK(svg.ends_with("</svg>\n"));
    CHECK(number_of(svg, "calls a second") == 2);
    CHECK(number_of(svg, "longest wait") == 2);
    CHECK(number_of(svg, ">fixed:2</tspan>") == 2);
    // Load, busy, and actors and waits of two policies.
    CHECK(number_of(svg, "<polyline ") == 2 * 6);
    CHECK(svg.find("line 2, a") != std::string::npos);
    CHECK(svg.find("&lt;b> &amp; co") != std::string::npos);
    CHECK(svg.find("nan") == std::string::npos);
    CHECK(svg.find("inf") == std::string::npos);
}
