// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_plan.hpp"

#include "runtime/program/load_options.hpp"
#include "runtime/program/verb.hpp"
#include "runtime/text/json_payload.hpp"
#include "runtime/text/quantity.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <system_error>
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

bench_arrivals arrivals_of(const bench_arguments& given) {
    if (given.arrivals.empty()) return bench_arrivals::poisson;
    const auto kind = read_arrivals(given.arrivals);
    if (kind == runtime::rehearsal::arrival_kind::burst && given.trace.empty())
        throw usage_error("--arrivals burst is for --trace; at a rate they are even or poisson");
    using runtime::rehearsal::arrival_kind;
    return kind == arrival_kind::even      ? bench_arrivals::even
           : kind == arrival_kind::poisson ? bench_arrivals::poisson
                                           : bench_arrivals::burst;
}

void check_without_trace(const bench_arguments& given) {
    const auto refuse = [](const char* option) {
        throw usage_error(std::string(option) + " is for calls as in a trace; give --trace");
    };
    if (given.compress != 1) refuse("--compress");
    if (given.one_in != 1) refuse("--one-in");
    if (!given.service_time.empty()) refuse("--service-time");
    if (!given.cv.empty()) refuse("--cv");
}

void plan_closed_loop(const bench_arguments& given, bench_plan& to) {
    if (!given.arrivals.empty())
        throw usage_error("--arrivals is for calls at a rate; give --rate");
    if (given.seed != not_given && given.keys == 0)
        throw usage_error("--seed is for calls at a rate or with keys; give --rate or --keys");
    check_without_trace(given);
    const bool timed = given.duration > std::chrono::nanoseconds(0);
    if (timed) to.at_most = std::min<std::chrono::nanoseconds>(given.duration, to.at_most);
    to.requests = or_usual(given.requests,
                           timed ? bench_plan::requests_unlimited : bench_plan::requests_usual);
    to.warmup = or_usual(given.warmup, bench_plan::warmup_usual);
    to.window = or_usual(given.window, bench_plan::window_usual);
}

void plan_keys(const bench_arguments& given, bench_plan& to) {
    constexpr double exponent_max = 10;
    to.keys = given.keys;
    to.seed = or_usual(given.seed, 1);
    if (given.zipf.empty()) return;
    if (given.keys == 0) throw usage_error("--zipf is how calls spread over keys; give --keys");
    const char* end = given.zipf.data() + given.zipf.size();
    const auto read = std::from_chars(given.zipf.data(), end, to.zipf);
    if (read.ec != std::errc() || read.ptr != end || !(to.zipf >= 0 && to.zipf <= exponent_max))
        throw usage_error("--zipf: \"" + given.zipf + "\" is no number from 0 to 10, such as 0.9");
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
    check_without_trace(given);
    bench_load load{given.rate, given.duration, arrivals_of(given), or_usual(given.seed, 1)};
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

void check_with_trace(const bench_arguments& given) {
    const auto refuse = [](const char* option) {
        throw usage_error("--trace says how many calls there are and when; take away " +
                          std::string(option));
    };
    if (given.rate != not_given) refuse("--rate");
    if (given.requests != not_given) refuse("--requests");
    if (given.duration != std::chrono::nanoseconds(0)) refuse("--duration");
    if (given.warmup != not_given) refuse("--warmup");
    if (!given.cv.empty() && given.service_time.empty())
        throw usage_error("--cv is how service times differ; give --service-time");
    if (!given.service_time.empty() && !given.payload.empty())
        throw usage_error("--service-time and --payload exclude each other");
}

// The same calls as `dunlin simulate` makes of the file with the same options.
void plan_traced_loop(const bench_arguments& given, bench_plan& to) {
    using namespace runtime::rehearsal;
    check_with_trace(given);
    auto read = read_trace_file(given.trace);
    if (!read) throw usage_error(read.error().detail);
    if (read->functions.size() != 1)
        throw usage_error("--trace: " + given.trace + " has " +
                          std::to_string(read->functions.size()) +
                          " functions; a benchmark calls one");
    keep_one_in(*read, given.one_in);
    const auto faster = static_cast<std::int64_t>(given.compress);
    for (auto& edge : read->edges_ns) edge /= faster;
    auto traced = std::make_shared<bench_trace>(bench_trace{
        std::move(*read), std::max<std::int64_t>(1, 1'000'000'000 / faster), std::nullopt});
    if (!given.service_time.empty()) {
        const auto mean_ns = read_load_time("--service-time", given.service_time);
        traced->service.emplace(static_cast<double>(mean_ns),
                                given.cv.empty() ? 0 : read_cv(given.cv));
    }
    bench_load load{1, std::chrono::nanoseconds(traced->load.length_ns()), arrivals_of(given),
                    or_usual(given.seed, 1), traced};
    check_load(load, "--trace");
    if (load.calls() == 0) throw usage_error("--trace: " + given.trace + " has no calls");
    const auto seconds = std::chrono::duration<double>(load.duration).count();
    load.per_second = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(static_cast<double>(load.calls()) / seconds));
    to.load = load;
    to.window = or_usual(given.window, bench_plan::open_window_usual);
    to.warmup_load.duration = std::chrono::nanoseconds(0);
}

}  // namespace

bench_plan plan_bench(const bench_arguments& given) {
    bench_plan made;
    if (!given.trace.empty())
        plan_traced_loop(given, made);
    else if (given.rate == not_given)
        plan_closed_loop(given, made);
    else
        plan_open_loop(given, made);
    made.threads = given.threads;
    if (made.threads > made.window)
        throw usage_error("--threads: " + std::to_string(made.threads) + " threads cannot share " +
                          std::to_string(made.window) + " calls in flight");
    plan_keys(given, made);
    made.connection = given.connection;
    made.function = given.function;
    made.input = read_input(given);
    made.size = given.payload.empty() ? given.size : made.input.encoded.size();
    return made;
}

const char* name_of(bench_arrivals arrivals) noexcept {
    switch (arrivals) {
        case bench_arrivals::even: return "even";
        case bench_arrivals::poisson: return "poisson";
        case bench_arrivals::burst: break;
    }
    return "burst";
}

}  // namespace dunlin::program
