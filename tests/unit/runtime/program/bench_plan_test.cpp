// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_plan.hpp"

#include "runtime/program/verb.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <fstream>
#include <string>

using namespace dunlin::program;
using dunlin::tests::temporary_folder;
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

namespace {

bench_arguments with_trace(const std::string& path) {
    bench_arguments given;
    given.function = "bench/sleep";
    given.trace = path;
    return given;
}

}  // namespace

TEST_CASE("a trace is a load of its own, as fast and as dense as was asked") {
    const temporary_folder folder;
    const auto path = folder.file("t.csv");
    std::ofstream(path) << "period,count\n2026-01-01 00:00:00,600\n2026-01-01 00:01:00,1200\n";
    auto given = with_trace(path);
    given.compress = 60;
    given.one_in = 6;
    given.service_time = "20ms";
    given.arrivals = "burst";
    const auto made = plan_bench(given);
    REQUIRE(made.load);
    CHECK(made.calls() == 300);
    CHECK(made.load->duration == 2s);
    CHECK(made.load->per_second == 150);
    CHECK(made.load->arrivals == bench_arrivals::burst);
    CHECK(made.warmup_load.calls() == 0);
    CHECK(made.window == 65'536);
    REQUIRE(made.load->trace->service);

    given.rate = 7;
    CHECK(has(refusal(given), "take away --rate"));
    given = with_trace(path);
    given.cv = "1";
    CHECK(has(refusal(given), "give --service-time"));
    given.service_time = "1ms";
    given.payload = "1";
    CHECK(has(refusal(given), "--service-time and --payload exclude each other"));
    given = with_trace(path);
    given.one_in = 10'000;
    CHECK(has(refusal(given), "has no calls"));
    CHECK(has(refusal(with_trace("/none.csv")), "/none.csv: No such file"));
    given = at_rate(10, 1s);
    given.one_in = 2;
    CHECK(has(refusal(given), "--one-in is for calls as in a trace"));
    given.one_in = 1;
    given.arrivals = "burst";
    CHECK(has(refusal(given), "--arrivals burst is for --trace"));
    given = {};
    given.service_time = "1s";
    CHECK(has(refusal(given), "--service-time is for calls as in a trace"));
}
