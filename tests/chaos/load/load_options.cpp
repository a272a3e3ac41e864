// SPDX-License-Identifier: Apache-2.0
#include "load_options.hpp"

#include <CLI/CLI.hpp>

namespace dunlin::chaos {

namespace {

constexpr const char* description =
    "Calls a function of the module chaos and keeps account of every call: in an open loop, where "
    "calls come as a Poisson process whatever becomes of them, or in a closed one.";

constexpr const char* footer =
    R"(Prints JSON lines: one each 100 ms, and at the end one with the key "summary".
SIGINT or SIGTERM ends it: no call is started any more, those under way are awaited.

A line of the file of --calls, when its call has ended: id, when it was due, started and ended (in
microseconds of the machine's monotonic clock), its outcome (ok or the error's name), 1 if the error
says that the call did not run, the node that ran it or -, how long it took there, and what the error
says.

Exit codes: 0 done, whatever the calls' outcomes; 1 no node reached; 2 usage.)";

}  // namespace

int read_options(int count, char** words, load_options& into) {
    CLI::App app(description, "chaos_load");
    app.footer(footer);
    app.add_option("--node", into.nodes, "Endpoints of nodes.")->required()->type_name("ENDPOINT");
    app.add_flag("--no-learn", into.no_learn, "Call these nodes alone, not members they tell of.");
    app.add_option("--key", into.key_file, "The caller's secret key.")->type_name("FILE");
    app.add_option("--node-key", into.node_key_file, "The nodes' public key.")->type_name("FILE");
    app.add_option("--function", into.function, "What is called.")->capture_default_str();
    app.add_option("--service-us", into.service_us, "How long a call takes, in microseconds.")
        ->capture_default_str();
    app.add_flag("--exponential", into.exponential,
                 "Draw each call's time, with --service-us as the mean.");
    auto* rate = app.add_option("--rate", into.rate, "Open loop: calls per second.")
                     ->check(CLI::Range(0.1, 1e6));
    app.add_option("--window", into.window, "Closed loop: calls in flight.")
        ->check(CLI::Range(1, 65536))
        ->capture_default_str()
        ->excludes(rate);
    app.add_option("--seconds", into.seconds, "How long calls are started. 0: until a signal.")
        ->check(CLI::Range(0.0, 1e6));
    app.add_option("--calls-max", into.calls_max, "Calls that are started at most. 0: no limit.")
        ->capture_default_str();
    app.add_option("--timeout-ms", into.timeout_ms, "Until a call's deadline.")
        ->check(CLI::Range(1, 3'600'000))
        ->capture_default_str();
    app.add_option("--connect-timeout-ms", into.connect_timeout_ms, "For the first node to answer.")
        ->check(CLI::Range(1, 3'600'000))
        ->capture_default_str();
    app.add_option("--first-id", into.first_id, "The first call's id; the next has one more.")
        ->capture_default_str();
    app.add_option("--seed", into.seed, "Of arrivals and service times.")->capture_default_str();
    app.add_option("--calls", into.calls_file, "A line for each call goes there.")
        ->type_name("FILE");
    try {
        app.parse(count, words);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    }
    return -1;
}

}  // namespace dunlin::chaos
