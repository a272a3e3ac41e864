// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_seconds.hpp"

#include "tests/support/catch.hpp"

using namespace dunlin;
using namespace dunlin::program;
using namespace std::chrono_literals;

TEST_CASE("a call counts in the second in which it was to start, whenever it ends") {
    bench_seconds seconds;
    for (const auto start : {0ms, 999ms, 1000ms, 2500ms, 2501ms, 2502ms, 2503ms})
        seconds.offer(start);
    seconds.succeed(0ms, 1'000);
    seconds.succeed(999ms, 5'000'000'000);
    seconds.fail(1000ms, errc::overloaded);
    seconds.fail(2500ms, errc::deadline_exceeded);
    seconds.fail(2501ms, errc::failed);
    seconds.fail(2502ms, errc::unavailable);
    seconds.leave_out(2503ms);

    const auto& rows = seconds.rows();
    REQUIRE(rows.size() == 3);
    CHECK((rows[0].offered == 2 && rows[0].ok == 2));
    CHECK((rows[1].offered == 1 && rows[1].refused == 1 && rows[1].p99_ns() == 0));
    CHECK((rows[2].offered == 4 && rows[2].expired == 1 && rows[2].failed == 2));
    CHECK((rows[2].not_sent == 1 && rows[2].sent() == 3));
    CHECK(seconds.slowest() == 0);
    const auto sum = seconds.total();
    CHECK(sum.offered == sum.not_sent + sum.ok + sum.refused + sum.expired + sum.failed);
}

TEST_CASE("a second's p99 is what one call in a hundred exceeds, to a part in 32") {
    bench_seconds seconds;
    for (std::uint64_t i = 1; i <= 1000; ++i) seconds.succeed(0s, i * 1'000'000);
    CHECK(static_cast<double>(seconds.rows()[0].p99_ns()) == Approx(990e6).epsilon(1.0 / 32));
    bench_seconds one;
    one.succeed(3s, 1'000'001);
    CHECK(one.rows()[3].p99_ns() <= 1'000'001);
    CHECK(one.rows()[3].p99_ns() > 960'000);
    CHECK(one.slowest() == 3);
}

TEST_CASE("the seconds of several threads add up") {
    bench_seconds a;
    bench_seconds b;
    a.offer(0s);
    a.succeed(0s, 10);
    b.offer(0s);
    b.offer(1s);
    b.succeed(1s, 1'000'000);
    a.add(b);
    REQUIRE(a.rows().size() == 2);
    CHECK((a.rows()[0].offered == 2 && a.rows()[0].ok == 1));
    CHECK((a.rows()[1].offered == 1 && a.rows()[1].ok == 1));
    CHECK(a.slowest() == 1);
}
