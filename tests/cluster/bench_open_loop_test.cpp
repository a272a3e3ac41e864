// SPDX-License-Identifier: Apache-2.0
//
// The open loop of `dunlin bench` through a real client to a real node.
#include "runtime/program/bench_open_loop.hpp"

#include "tests/cluster/node_harness.hpp"

#include <chrono>
#include <string>

using namespace dunlin;
using namespace dunlin::program;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

using clock_type = bench_open_loop::clock;

client client_of(const runtime::node& node) {
    auto made = client::connect(node.endpoints().front());
    REQUIRE(made);
    return std::move(*made);
}

const any_value empty_input{encode(std::string())};

constexpr auto enough = std::size_t{65'536};

}  // namespace

TEST_CASE("an open loop offers what its load says, and every call ends in one count") {
    const auto node = start_node();
    bench_open_loop loop(client_of(*node), "bench/echo", empty_input, enough);
    for (const auto arrivals : {bench_arrivals::even, bench_arrivals::poisson}) {
        const auto got = loop.run({1000, 200ms, arrivals, 1}, 0, 1, clock_type::now());
        CHECK(got.seconds.total().offered == 200);
        CHECK(got.seconds.total().ok == 200);
        CHECK(got.calls.latencies.count() == 200);
        CHECK(got.lag.count() == 200);
        CHECK(got.offered_for == 200ms);
        CHECK(loop.in_flight() == 0);
    }
}

TEST_CASE("a sender that was held up skips nothing, and its calls have waited since their time") {
    const auto node = start_node();
    bench_open_loop loop(client_of(*node), "bench/echo", empty_input, enough);
    // As if it had been held for three seconds, of a load of one.
    const auto got = loop.run({500, 1s, bench_arrivals::poisson, 1}, 0, 1, clock_type::now() - 3s);
    CHECK(got.seconds.total().offered == 500);
    CHECK(got.seconds.total().ok == 500);
    // The fastest answer: what had passed since the last intended start, to half a percent.
    CHECK(got.calls.latencies.quantile(0.0001) > 1'980'000'000);
    CHECK(got.seconds.rows()[0].p99_ns() > 2'800'000'000);
    CHECK(got.lag.max() >= 2'900'000'000);
}

TEST_CASE("calls beyond the window are not sent, and counted") {
    const auto node = start_node();
    const any_value input{encode(time_us{200'000})};
    bench_open_loop loop(client_of(*node), "bench/nap", input, 3);
    // All at once: the first three are still under way when the others are due.
    const auto got = loop.run({100, 1s, bench_arrivals::even, 1}, 0, 1, clock_type::now() - 2s);
    const auto sum = got.seconds.total();
    CHECK(sum.offered == 100);
    CHECK(sum.not_sent > 0);
    CHECK(sum.ok >= 3);
    CHECK(sum.ok + sum.not_sent == 100);
}

TEST_CASE("a loop that was stopped offers nothing more") {
    const auto node = start_node();
    bench_open_loop loop(client_of(*node), "bench/echo", empty_input, enough);
    loop.stop();
    const auto got = loop.run({1000, 1h, bench_arrivals::even, 1}, 0, 1, clock_type::now());
    CHECK(got.seconds.total().offered == 0);
    CHECK(got.offered_for < 1h);
}
