// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_plan.hpp"

#include "runtime/program/verb.hpp"
#include "runtime/text/json_payload.hpp"
#include "runtime/text/quantity.hpp"
#include "runtime/text/suggest.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace dunlin::program {
namespace {

std::size_t or_usual(std::size_t given, std::size_t usual) {
    return given == not_given ? usual : given;
}

any_value read_input(const bench_arguments& given) {
    if (given.payload.empty()) {
        const std::vector<std::byte> data(given.size, std::byte{'.'});
        return {encode(bytes_view(data))};
    }
    auto payload = runtime::payload_from_json(given.payload);
    if (!payload) throw usage_error("--payload: " + payload.error().detail);
    return {std::move(*payload)};
}

bench_arrivals read_arrivals(const std::string& text) {
    const std::array<std::string, 2> known{"even", "poisson"};
    if (text.empty() || text == known[1]) return bench_arrivals::poisson;
    if (text == known[0]) return bench_arrivals::even;
    throw usage_error("--arrivals: '" + text + "' is neither even nor poisson" +
                      runtime::did_you_mean(text, known));
}

void plan_closed_loop(const bench_arguments& given, bench_plan& to) {
    if (!given.arrivals.empty())
        throw usage_error("--arrivals is for calls at a rate; give --rate");
    if (given.seed != not_given) throw usage_error("--seed is for calls at a rate; give --rate");
    const bool timed = given.duration > std::chrono::nanoseconds(0);
    if (timed) to.at_most = std::min<std::chrono::nanoseconds>(given.duration, to.at_most);
    to.requests = or_usual(given.requests,
                           timed ? bench_plan::requests_unlimited : bench_plan::requests_usual);
    to.warmup = or_usual(given.warmup, bench_plan::warmup_usual);
    to.window = or_usual(given.window, bench_plan::window_usual);
}

// Refuses more than a day of them, and none at all.
void check_load(const bench_load& load, const std::string& option) {
    if (load.duration > bench_load::duration_max)
        throw usage_error(option + ": more than " +
                          std::to_string(bench_load::duration_max.count()) +
                          " hours of calls are not possible");
}

void plan_open_loop(const bench_arguments& given, bench_plan& to) {
    constexpr std::uint64_t second_ns = 1'000'000'000;
    if (given.requests != not_given)
        throw usage_error(
            "--requests and --rate exclude each other: calls at a rate go on for --duration");
    if (given.duration == std::chrono::nanoseconds(0))
        throw usage_error("--rate needs --duration, as in --duration 10s");
    bench_load load{given.rate, given.duration, read_arrivals(given.arrivals),
                    or_usual(given.seed, 1)};
    check_load(load, "--duration");
    if (load.calls() == 0)
        throw usage_error("--rate " + std::to_string(given.rate) + " and --duration " +
                          runtime::format_duration(given.duration) + " make not one call");
    to.load = load;
    to.window = or_usual(given.window, bench_plan::open_window_usual);

    // At the same rate, so that it is no burst that the measured calls would find waiting.
    to.warmup = or_usual(given.warmup, std::min(bench_plan::warmup_usual, given.rate));
    const auto longest = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(bench_load::duration_max).count());
    to.warmup_load = load;
    to.warmup_load.duration = std::chrono::nanoseconds::max();
    if (to.warmup / given.rate <= longest)
        to.warmup_load.duration = std::chrono::nanoseconds(
            to.warmup / given.rate * second_ns +
            (to.warmup % given.rate * second_ns + given.rate - 1) / given.rate);
    check_load(to.warmup_load, "--warmup");
}

}  // namespace

bench_plan plan_bench(const bench_arguments& given) {
    bench_plan made;
    if (given.rate == not_given)
        plan_closed_loop(given, made);
    else
        plan_open_loop(given, made);
    made.threads = given.threads;
    if (made.threads > made.window)
        throw usage_error("--threads: " + std::to_string(made.threads) + " threads cannot share " +
                          std::to_string(made.window) + " calls in flight");
    made.connection = given.connection;
    made.function = given.function;
    made.input = read_input(given);
    made.size = given.payload.empty() ? given.size : made.input.encoded.size();
    return made;
}

const char* name_of(bench_arrivals arrivals) noexcept {
    return arrivals == bench_arrivals::even ? "even" : "poisson";
}

}  // namespace dunlin::program
