// SPDX-License-Identifier: Apache-2.0
//
// The queue and the limit of pools under overload, in virtual time: what README.md promises.
#include "tests/support/catch.hpp"
#include "tests/unit/actors/overload_disciplines.hpp"

#include <cstdio>
#include <string>

using namespace overload;

namespace {

constexpr std::int64_t hour = 3'600 * second;

function_spec short_calls(bool exponential) { return {2, ms, exponential}; }
function_spec many_servers(bool exponential) { return {256, 4 * ms, exponential}; }

struct flood {
    function_spec function;
    double factor = 1;  // of what the function can do
    std::int64_t patience_ns = second;
    int seconds = 1;
    std::size_t callers = 1;
};

struct outcome {
    double mean = 0;              // good answers by what the function can do
    double worst = 0;             // of any second
    double wasted = 0;            // of the calls that were taken, those that were late
    double calm = 0;              // of the calls after the flood, those that were good
    std::int64_t drained_ns = 0;  // since the end of the flood
    dunlin::support::log_histogram latency;
};

// A flood, and then half of what the function can do.
template <class Discipline>
outcome survive(const flood& of, Discipline& discipline) {
    const auto end_ns = of.seconds * second;
    const auto peak = of.function.per_second();
    simulation<Discipline> world(
        of.function,
        {{.per_second = peak * of.factor, .patience_ns = of.patience_ns, .until_ns = end_ns},
         {.per_second = peak / 2, .patience_ns = of.patience_ns, .from_ns = end_ns + second}},
        7, discipline);
    world.watch(end_ns);
    world.run_until(end_ns + 2 * second);
    // What was sent shortly before the end has no result yet.
    const auto calm = world.of(1);
    world.run_until(end_ns + 2 * second + 2 * of.patience_ns);

    const auto& result = world.of(0);
    outcome found;
    found.worst = 1e9;
    for (std::size_t i = 0; i < static_cast<std::size_t>(of.seconds); ++i) {
        const auto good = i < result.good_by_second.size() ? result.good_by_second[i] : 0;
        const auto part = static_cast<double>(good) / (peak * std::min(of.factor, 1.0));
        found.mean += part / of.seconds;
        found.worst = std::min(found.worst, part);
    }
    found.wasted = static_cast<double>(result.late) /
                   static_cast<double>(std::max<std::uint64_t>(result.good + result.late, 1));
    const auto failed = calm.late + calm.refused;
    found.calm = 1 - static_cast<double>(failed) / static_cast<double>(calm.sent);
    found.drained_ns = std::max<std::int64_t>(world.drained_ns() - end_ns, 0);
    found.latency = result.latency;
    return found;
}

std::string text_of(const flood& of) {
    return std::to_string(of.function.servers) + " servers, " +
           std::to_string(of.function.service_ns / ms) + " ms, " +
           (of.function.exponential ? "exponential" : "fixed") + ", " +
           std::to_string(of.factor).substr(0, 4) + " times, " +
           std::to_string(of.patience_ns / ms) + " ms";
}

void check_survives(const flood& of) {
    INFO(text_of(of));
    fair_and_limited discipline;
    const auto found = survive(of, discipline);
    INFO("mean " << found.mean << ", worst " << found.worst << ", calm " << found.calm);
    CHECK(found.mean >= (of.factor < 10 ? 0.95 : 0.9));
    CHECK(found.worst >= 0.8);
    CHECK(found.drained_ns <= second);
    // Calls of 4 ms in the mean take more than 20 ms now and then, 7 in 1,000; and at half load one
    // in 1,000 of 1 ms finds a queue that looks too long for 20 ms after some that took long.
    CHECK(found.calm >= (of.patience_ns > 5 * of.function.service_ns ? 0.998 : 0.99));
    CHECK(discipline.waiting_max() <= queue_max);
    CHECK(discipline.bytes_max() <= 2'000'000);
}

template <class Discipline>
void print_row(const char* name, const flood& of) {
    Discipline discipline;
    const auto found = survive(of, discipline);
    std::printf("| %s | %s | %.1f%% | %.1f%% | %.1f%% | %.1f | %.1f | %.0f |\n",
                text_of(of).c_str(), name, 100 * found.mean, 100 * found.worst, 100 * found.wasted,
                static_cast<double>(found.latency.quantile(0.5)) / ms,
                static_cast<double>(found.latency.quantile(0.99)) / ms,
                static_cast<double>(found.drained_ns) / ms);
}

struct rivals {
    double p99_ratio = 0;  // of the polite one, beside the greedy one by alone
    double good = 0;       // part of the polite one's calls
    double greedy = 0;     // good answers by what the polite one leaves
};

rivals compete(function_spec function, double share) {
    const int seconds = function.servers > 2 ? 2 : 5;
    const auto end_ns = seconds * second;
    const caller_spec polite{
        .per_second = function.per_second() * share, .patience_ns = 500 * ms, .until_ns = end_ns};
    const caller_spec greedy{.patience_ns = 5 * second, .in_flight = 60'000, .until_ns = end_ns};
    fair_and_limited first;
    fair_and_limited second_one;
    simulation<fair_and_limited> alone(function, {polite}, 3, first);
    simulation<fair_and_limited> both(function, {polite, greedy}, 3, second_one);
    alone.run_until(end_ns + second);
    both.run_until(end_ns + second);

    rivals found;
    const auto& of = both.of(0);
    found.p99_ratio = static_cast<double>(of.latency.quantile(0.99)) /
                      static_cast<double>(alone.of(0).latency.quantile(0.99));
    found.good = static_cast<double>(of.good) / static_cast<double>(of.sent);
    std::uint64_t good = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(seconds); ++i)
        good += both.of(1).good_by_second[i];
    found.greedy = static_cast<double>(good) / (seconds * function.per_second() * (1 - share));
    return found;
}

// Good answers between two whole seconds, by what the function can do in it.
template <class Discipline>
double goodput(const simulation<Discipline>& of, std::size_t from, std::size_t until,
               double per_second) {
    const auto& by_second = of.of(0).good_by_second;
    std::uint64_t good = 0;
    for (auto i = from; i < until && i < by_second.size(); ++i) good += by_second[i];
    return static_cast<double>(good) / (static_cast<double>(until - from) * per_second);
}

}  // namespace

TEST_CASE("a function of two servers does under overload what it can") {
    for (const bool exponential : {false, true})
        for (const auto patience_ns : {20 * ms, 500 * ms, 5 * second})
            for (const double factor : {1.1, 1.5, 3.0, 5.0, 10.0})
                check_survives({short_calls(exponential), factor, patience_ns, 5});
}

TEST_CASE("a function of many servers does under overload what it can") {
    for (const bool exponential : {false, true})
        for (const auto patience_ns : {20 * ms, 500 * ms, 5 * second})
            for (const double factor : {1.1, 10.0})
                check_survives({many_servers(exponential), factor, patience_ns, 1});
}

TEST_CASE("overload by thousands of callers is no other than by one") {
    for (const auto patience_ns : {20 * ms, 500 * ms, 5 * second})
        for (const double factor : {1.1, 3.0, 10.0})
            check_survives({short_calls(true), factor, patience_ns, 5, 5'000});
}

TEST_CASE("a queue without a limit by time runs calls that nobody waits for any more") {
    plain_fifo discipline;
    const auto found = survive({short_calls(false), 1.5, 500 * ms, 5}, discipline);
    CHECK(found.mean < 0.5);
}

// The table in README.md: dunlin_actors_tests "[table]"
TEST_CASE("what a queue makes of overload, as a table", "[.][table]") {
    std::printf(
        "| load | queue | mean | worst second | wasted | p50, ms | p99, ms | drained, ms |\n"
        "|---|---|---|---|---|---|---|---|\n");
    for (const auto& function :
         {short_calls(false), short_calls(true), many_servers(false), many_servers(true)})
        for (const auto patience_ns : {20 * ms, 500 * ms, 5 * second})
            for (const double factor : {0.9, 1.1, 1.5, 3.0, 5.0, 10.0}) {
                const flood of{function, factor, patience_ns, 60};
                print_row<plain_fifo>("plain", of);
                print_row<newest_first>("newest first", of);
                print_row<fair_and_limited>("this", of);
            }
}

TEST_CASE("beside a caller with 60,000 in flight another one gets its half as if it were alone",
          "[one-thread]") {
    for (const auto& function :
         {short_calls(false), short_calls(true), many_servers(false), many_servers(true)})
        for (const double share : {0.05, 0.25, 0.45}) {
            INFO(function.servers << " servers, " << share << " of them, exponential "
                                  << function.exponential);
            const auto found = compete(function, share);
            CHECK(found.p99_ratio <= 2);
            CHECK(found.good >= 0.999);
            CHECK(found.greedy >= 0.97);  // and nothing is left unused
        }
}

TEST_CASE("a function whose calls take 1,000 times as long in a moment goes on at its new rate") {
    fair_and_limited discipline;
    function_spec function{2, ms / 10, false};
    const auto fast = function.per_second();
    simulation<fair_and_limited> world(function, {{.per_second = fast / 2, .patience_ns = second}},
                                       5, discipline);
    world.run_until(2 * second);
    CHECK(goodput(world, 0, 2, fast / 2) > 0.98);

    // 500 times too much now.
    world.set_service_ns(100 * ms);
    world.run_until(12 * second);
    CHECK(goodput(world, 4, 12, 20) > 0.9);

    world.set_service_ns(ms / 10);
    world.run_until(15 * second);
    CHECK(goodput(world, 13, 15, fast / 2) > 0.98);
    CHECK(discipline.bytes_max() <= 2'000'000);
}

TEST_CASE("a clock that jumps costs what waits at that moment and no more") {
    for (const auto by_ns : {hour, -hour, 50 * ms, -50 * ms}) {
        INFO("by " << by_ns);
        fair_and_limited discipline;
        const auto function = short_calls(true);
        simulation<fair_and_limited> world(
            function, {{.per_second = 3 * function.per_second(), .patience_ns = 500 * ms}}, 5,
            discipline);
        world.run_until(2 * second);
        world.jump_clock(by_ns);
        world.run_until(6 * second);
        CHECK(goodput(world, 2, 3, function.per_second()) > 0.4);
        CHECK(goodput(world, 3, 6, function.per_second()) > 0.95);
    }
}
