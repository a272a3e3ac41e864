// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_plan.hpp"

#include "runtime/program/verb.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace dunlin::program;
using namespace std::chrono_literals;

namespace {

bench_arguments at_rate(std::size_t rate, std::chrono::nanoseconds duration) {
    bench_arguments given;
    given.function = "bench/echo";
    given.rate = rate;
    given.duration = duration;
    return given;
}

std::string refusal(const bench_arguments& given) {
    try {
        (void)plan_bench(given);
        return "";
    } catch (const usage_error& why) {
        return why.what();
    }
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("without a rate the loop is closed, with requests, a window and a warm-up") {
    bench_arguments given;
    const auto usual = plan_bench(given);
    CHECK_FALSE(usual.load);
    CHECK((usual.requests == 100'000 && usual.window == 64 && usual.warmup == 1'000));
    CHECK(usual.at_most == bench_loop::unlimited);
    given.duration = 2s;
    CHECK(plan_bench(given).requests == bench_plan::requests_unlimited);
    CHECK(plan_bench(given).at_most == 2s);
    given.requests = 5;
    CHECK(plan_bench(given).requests == 5);
}

TEST_CASE("with a rate the loop is open, and its warm-up lasts at most a second") {
    const auto usual = plan_bench(at_rate(20'000, 3s));
    REQUIRE(usual.load);
    CHECK(usual.calls() == 60'000);
    CHECK(usual.load->arrivals == bench_arrivals::poisson);
    CHECK(usual.window == 65'536);
    CHECK(usual.warmup_load.calls() == 1'000);
    CHECK(usual.warmup_load.duration == 50ms);
    CHECK(plan_bench(at_rate(30, 3s)).warmup_load.calls() == 30);
    auto given = at_rate(30, 3s);
    for (const std::size_t warmup : {0u, 1u, 7u, 29u, 100u}) {
        given.warmup = warmup;
        CHECK(plan_bench(given).warmup_load.calls() == warmup);
    }
}

TEST_CASE("loads that make no sense are refused with a sentence") {
    CHECK(has(refusal(at_rate(10, 0s)), "--rate needs --duration"));
    CHECK(has(refusal(at_rate(10, 99ms)), "make not one call"));
    CHECK(has(refusal(at_rate(10, 25h)), "--duration: more than 24 hours"));
    auto given = at_rate(10, 1s);
    given.requests = 10;
    CHECK(has(refusal(given), "--requests and --rate exclude each other"));
    given = at_rate(10, 1s);
    given.arrivals = "evn";
    CHECK(has(refusal(given), "did you mean even?"));
    given = at_rate(10, 1s);
    given.warmup = not_given - 1;
    CHECK(has(refusal(given), "--warmup: more than 24 hours"));
    given = at_rate(10, 1s);
    given.window = 2;
    given.threads = 3;
    CHECK(has(refusal(given), "3 threads cannot share 2 calls"));
    given = {};
    given.arrivals = "even";
    CHECK(has(refusal(given), "--arrivals is for calls at a rate"));
    given = {};
    given.seed = 1;
    CHECK(has(refusal(given), "--seed is for calls at a rate"));
}
