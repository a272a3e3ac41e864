// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_verb.hpp"

#include "runtime/program/bench_run.hpp"
#include "runtime/program/connection.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/progress.hpp"
#include "runtime/program/quantity_options.hpp"
#include "runtime/program/signals.hpp"
#include "runtime/text/json_payload.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Measures a function: how many calls a second, and how long one takes. Keeps a fixed number "
    "of calls in flight through the same client that programs use.";

constexpr const char* footer = R"(Examples:
    dunlin bench bench/echo --requests 1000000 --window 512 --size 64
    dunlin bench bench/echo --window 1 --json
    dunlin bench text/count_words --payload '{"url": "a", "text": "one two"}'

One call in flight is a program that waits for each result; more are calls with callbacks, each
of which starts the next. The input is SIZE bytes, or the JSON of --payload (see dunlin invoke
--help). Latencies and the rate count the calls that succeeded.

Exit codes: 0 all calls succeeded, 1 at least one failed, 2 usage, 3 no node reached,
130 interrupted; what was measured until then is printed.)";

struct bench_arguments {
    connection_options connection;
    std::string function;
    std::string payload;
    std::size_t requests = 100'000;
    std::size_t warmup = 1'000;
    std::size_t window = 64;
    std::size_t size = 64;
    std::size_t threads = 1;
    bool json = false;
};

any_value read_input(const bench_arguments& given) {
    if (given.payload.empty()) {
        const std::vector<std::byte> data(given.size, std::byte{'.'});
        return {encode(bytes_view(data))};
    }
    auto payload = runtime::payload_from_json(given.payload);
    if (!payload) throw usage_error("--payload: " + payload.error().detail);
    return {std::move(*payload)};
}

int run(const bench_arguments& given) {
    if (given.threads > given.window)
        throw usage_error("--threads: " + std::to_string(given.threads) + " threads cannot share " +
                          std::to_string(given.window) + " calls in flight");
    bench_plan plan{given.connection, given.function, read_input(given), 0,
                    given.requests,   given.warmup,   given.window,      given.threads};
    plan.size = given.payload.empty() ? given.size : plan.input.encoded.size();
    signals stop;
    bench run(std::move(plan), stop);
    if (const int code = run.connect(); code != exit_code::success) return code;
    const auto report = run.measure();
    std::fputs((given.json ? report.json() : report.summary()).c_str(), stdout);
    std::fflush(stdout);
    if (report.errors() > 0)
        complain(grouped(report.errors()) + " of " + grouped(report.requests()) +
                 " calls failed; the first: " + report.outcome.first_error);
    if (run.interrupted()) return exit_code::interrupted;
    return report.errors() == 0 ? exit_code::success : exit_code::call_failed;
}

}  // namespace

verb add_bench(CLI::App& program) {
    auto* app = program.add_subcommand("bench", description);
    app->footer(footer);
    auto given = std::make_shared<bench_arguments>();
    app->add_option("FUNCTION", given->function, "The function's full name, as in bench/echo.")
        ->required();
    add_count(*app, "--requests", given->requests, "Calls to measure.")->group("Load");
    add_count(*app, "--window", given->window, "Calls in flight.", {1, 1 << 20})->group("Load");
    add_size(*app, "--size", given->size, "Bytes of the input.")->group("Load");
    app->add_option("--payload", given->payload, "This input instead of --size bytes.")
        ->type_name("JSON")
        ->group("Load");
    add_count(*app, "--threads", given->threads,
              "Threads that share the calls in flight, each with its own connection.", {1, 1024})
        ->group("Load");
    add_count(*app, "--warmup", given->warmup, "Calls before the measured ones.",
              {0, std::numeric_limits<std::size_t>::max()})
        ->group("Load");
    app->add_flag("--json", given->json, "Print one JSON object.")->group("Output");
    add_connection_options(*app, given->connection);
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
