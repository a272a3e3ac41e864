// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_report.hpp"

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace dunlin;
using namespace dunlin::program;
using namespace std::chrono_literals;

namespace {

// Two seconds of four calls: two answered, one refused, one not sent.
bench_report open_report() {
    bench_report report;
    report.function = "bench/echo";
    report.window = 3;
    report.size = 64;
    report.seconds = 9;  // the last answer was late
    auto& open = report.open.emplace();
    open.load = {2, 2s, bench_arrivals::even, 1};
    open.offered_for = 2s;
    for (const auto start : {0ms, 500ms, 1000ms, 1500ms}) {
        open.seconds.offer(start);
        open.lag.record(50'000);
    }
    open.seconds.succeed(0ms, 1'000'000);
    open.seconds.succeed(500ms, 8'000'000);
    open.seconds.fail(1000ms, errc::overloaded);
    open.seconds.leave_out(1500ms);
    report.outcome.latencies.record(1'000'000);
    report.outcome.latencies.record(8'000'000);
    report.outcome.fail({errc::overloaded, "full"});
    report.outcome.cold_starts = 2;
    return report;
}

}  // namespace

TEST_CASE("an open loop's object has all that a closed one's has, and the seconds") {
    auto closed = open_report();
    closed.open.reset();
    const auto old = nlohmann::json::parse(closed.json());
    const auto object = nlohmann::json::parse(open_report().json());
    for (const auto& [key, value] : old.items()) CHECK(object.contains(key));
    CHECK_FALSE(old.contains("offered"));

    CHECK(object["requests"] == 3);
    CHECK(object["errors"] == 1);
    CHECK((object["cold_starts"] == 2 && old["cold_starts"] == 2));
    CHECK((object["offered"] == 4 && object["sent"] == 3 && object["not_sent"] == 1));
    CHECK((object["ok"] == 2 && object["refused"] == 1 && object["expired"] == 0));
    CHECK(object["offered_per_second"] == 2.0);
    CHECK(object["per_second"] == 1);  // by the time in which calls were offered, not by 9 s
    CHECK(object["schedule_lag_us_max"] == 50.0);
    const auto& seconds = object["by_second"];
    REQUIRE(seconds.size() == 2);
    CHECK((seconds[0]["second"] == 0 && seconds[0]["offered"] == 2 && seconds[0]["ok"] == 2));
    CHECK(seconds[0]["p99_us"].get<double>() == Approx(8000).epsilon(1.0 / 32));
    CHECK((seconds[1]["refused"] == 1 && seconds[1]["not_sent"] == 1 && seconds[1]["ok"] == 0));
}

TEST_CASE("people read what was offered and what became of it") {
    const auto text = open_report().summary();
    for (const auto* part :
         {"bench/echo: 2 calls of 64 bytes a second, even, for 2.00 s\n",
          "  offered           4, 2.0 per second\n", "  sent              3\n",
          "  refused           1\n", "  goodput           1.0 per second\n",
          "  slowest second    0: p99 ", "  cold starts       2\n", "    overloaded 1\n"}) {
        INFO(text << "lacks " << part);
        CHECK(text.find(part) != std::string::npos);
    }
}

TEST_CASE("a sender that is late for a good part of the latencies is complained of") {
    auto report = open_report();
    CHECK(report.complaints().size() == 2);  // the call that failed, and the one not sent
    report.open->lag.record(900'000);        // less than a millisecond
    CHECK(report.complaints().size() == 2);
    report.open->lag.record(2'000'000);  // a quarter of the latencies
    REQUIRE(report.complaints().size() == 3);
    CHECK(report.complaints()[2].find("did not keep up") != std::string::npos);
    report.outcome.latencies.record(50'000'000);  // no more than a tenth
    CHECK(report.complaints().size() == 2);
}

TEST_CASE("what was not sent did not succeed") {
    bench_report report;
    CHECK(report.all_succeeded());
    report.open.emplace().seconds.offer(0s);
    CHECK(report.all_succeeded());
    report.open->seconds.leave_out(0s);
    CHECK_FALSE(report.all_succeeded());
}
