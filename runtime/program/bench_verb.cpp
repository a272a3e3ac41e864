// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_verb.hpp"

#include "runtime/program/bench_plan.hpp"
#include "runtime/program/bench_run.hpp"
#include "runtime/program/connection.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/quantity_options.hpp"
#include "runtime/program/signals.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Measures a function: how many calls a second, and how long one takes. Keeps a fixed number "
    "of calls in flight, or sends them at a fixed rate, through the same client that programs use.";

constexpr const char* footer = R"(Examples:
    dunlin bench bench/echo --requests 1000000 --window 512 --size 64
    dunlin bench bench/echo --window 1 --duration 10s --json
    dunlin bench bench/echo --rate 20000 --duration 30s
    dunlin bench bench/sleep --trace load.csv --compress 600 --one-in 600 --service-time 20ms --cv 1
    dunlin bench bench/increment --keys 64 --window 512
    dunlin bench text/count_words --payload '{"url": "a", "text": "one two"}'

One call in flight is a program that waits for each result; more are calls with callbacks, each
of which starts the next: a closed loop. It shows what a function can do at most. The input is SIZE
bytes, or the JSON of --payload (see dunlin invoke --help). Latencies and the rate count the calls
that succeeded.

With --rate calls are sent when it is their time, whatever becomes of those before: an open loop. It
shows what callers would see. Latencies count from the intended start of a call, so a function or a
machine that halts for a while shows it in all the calls that were due meanwhile. Calls beyond
--window are counted as not sent. Calls per second are those that succeeded, by the time in which
calls were offered. By default arrivals are poisson, as those of callers that know nothing of each
other, and queue by chance as theirs do; even ones show the least that a function queues. How late
calls were sent is the schedule's lag: where it is long, this machine is what was measured.
How long refusals took counts from when a call was sent.
--json has every second by itself, as by_second.

With --trace the calls come as they came once: the same calls at the same times, and with
--service-time of the same lengths, as dunlin simulate makes with the same options and seed, so that
its figures can be compared with a node's. Waits are latencies less service times. There is no
warm-up, as there is none there.

Cold starts are the calls that paid for the start of an actor. Those of the warmup do not count, so
with --warmup 0 a function that nobody has called shows what its first call costs.

Exit codes: 0 all calls succeeded, 1 at least one failed or was not sent, 2 usage, 3 no node
reached, 130 interrupted; what was measured until then is printed.)";

int run(const bench_arguments& given) {
    auto plan = plan_bench(given);
    signals stop;
    bench run(std::move(plan), stop);
    if (const int code = run.connect(); code != exit_code::success) return code;
    const auto report = run.measure();
    std::fputs((given.json ? report.json() : report.summary()).c_str(), stdout);
    std::fflush(stdout);
    for (const auto& sentence : report.complaints()) complain(sentence);
    if (run.interrupted()) return exit_code::interrupted;
    return report.all_succeeded() ? exit_code::success : exit_code::call_failed;
}

void add_load_options(CLI::App& app, bench_arguments& to) {
    add_count(app, "--requests", to.requests, "Calls to measure.", {1, not_given - 1})
        ->default_str("100000, or as many as --duration allows")
        ->group("Load");
    add_count(app, "--window", to.window, "Calls in flight; with --rate, at most.", {1, 1 << 20})
        ->default_str("64; with --rate 65536")
        ->group("Load");
    add_size(app, "--size", to.size, "Bytes of the input.")->group("Load");
    app.add_option("--payload", to.payload, "This input instead of --size bytes.")
        ->type_name("JSON")
        ->group("Load");
    add_count(app, "--keys", to.keys,
              "Spread the calls over so many keys, for functions with state. 0: calls have none.",
              {0, bench_keys::count_max})
        ->group("Load");
    app.add_option("--zipf", to.zipf,
                   "Call key number k as often as 1 / k^S says, so that few keys get most calls. "
                   "0: all alike.")
        ->type_name("S")
        ->default_str("0")
        ->group("Load");
    add_count(app, "--threads", to.threads,
              "Threads that share the calls in flight and the rate, each with its own connection.",
              {1, 1024})
        ->group("Load");
    add_count(app, "--warmup", to.warmup, "Calls before the measured ones; with --rate, at that.",
              {0, not_given - 1})
        ->default_str("1000; with --rate at most a second's")
        ->group("Load");
    add_duration(app, "--duration", to.duration,
                 "How long calls are started for. --rate needs it, at most 24h; without --rate it "
                 "ends the calls, unless --requests does so before.")
        ->default_str("")
        ->group("Load");
    add_count(app, "--rate", to.rate,
              "Start so many calls a second, over all threads, whatever comes back.",
              {1, bench_load::per_second_max})
        ->default_str("")
        ->group("Open loop");
    app.add_option("--arrivals", to.arrivals,
                   "Calls at random and independent of each other, equally far apart, or, of a "
                   "trace, all of "
                   "a second at its start.")
        ->type_name("poisson|even|burst")
        ->default_str("poisson")
        ->group("Open loop");
    add_count(app, "--seed", to.seed, "Chance of poisson: another seed, other starts.",
              {0, not_given - 1})
        ->default_str("1")
        ->group("Open loop");
}

void add_trace_options(CLI::App& app, bench_arguments& to) {
    app.add_option(
           "--trace", to.trace,
           "Calls as in this trace of one function (see dunlin simulate --help), in place of "
           "a rate.")
        ->type_name("FILE")
        ->group("Trace");
    add_count(app, "--compress", to.compress, "Make the trace so many times shorter.",
              {1, 1'000'000})
        ->group("Trace");
    add_count(app, "--one-in", to.one_in,
              "Leave one call in so many, so that a trace made shorter keeps its rate.",
              {1, 1'000'000})
        ->group("Trace");
    app.add_option("--service-time", to.service_time,
                   "Send {\"us\": N}, how long the call is to run, with this mean, in place of an "
                   "input.")
        ->type_name("DURATION")
        ->group("Trace");
    app.add_option("--cv", to.cv,
                   "Standard deviation of service times, by their mean: 0 constant, 1 exponential.")
        ->type_name("NUMBER")
        ->default_str("0")
        ->group("Trace");
}

}  // namespace

verb add_bench(CLI::App& program) {
    auto* app = program.add_subcommand("bench", description);
    app->footer(footer);
    auto given = std::make_shared<bench_arguments>();
    app->add_option("FUNCTION", given->function, "The function's full name, as in bench/echo.")
        ->required();
    add_load_options(*app, *given);
    add_trace_options(*app, *given);
    app->add_flag("--json", given->json, "Print one JSON object.")->group("Output");
    given->connection.timeout_bounds_connect = false;
    add_connection_options(*app, given->connection);
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
