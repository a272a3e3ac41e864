// SPDX-License-Identifier: Apache-2.0
#include "keyed_options.hpp"

#include <CLI/CLI.hpp>

#include <map>

namespace dunlin::chaos {

namespace {

constexpr const char* description =
    "Calls the keyed functions of the module tally, and writes down for each call what the caller "
    "knows of it, so that dunlin_history can judge whether it can have happened.";

constexpr const char* footer =
    R"(Prints JSON lines: one each 100 ms, and at the end one with the key "summary".
SIGINT or SIGTERM ends it: no call is started any more, those under way are awaited.
The file of --calls has a line for each call that ended, as dunlin_history reads them; besides, `code`
is the error's name and `why` its sentence.

Exit codes: 0 done, whatever the calls' outcomes; 1 no node reached, or a key could not be looked at;
2 usage.)";

}  // namespace

int read_options(int count, char** words, keyed_options& into) {
    const std::map<std::string, keyed_work> works{{"mix", keyed_work::mix},
                                                  {"fill", keyed_work::fill},
                                                  {"look", keyed_work::look},
                                                  {"put", keyed_work::put}};
    CLI::App app(description, "chaos_keyed");
    app.footer(footer);
    app.add_option("--node", into.nodes, "Endpoints of nodes.")->required()->type_name("ENDPOINT");
    app.add_option("--work", into.work, "What is done: mix, fill, look or put.")
        ->transform(CLI::CheckedTransformer(works));
    app.add_option("--key-prefix", into.key_prefix, "What all keys begin with.");
    app.add_option("--keys", into.keys, "How many: half counters, half lists.")
        ->check(CLI::Range(1, 100'000'000))
        ->capture_default_str();
    app.add_flag("--counters-only", into.counters_only, "All keys are counters.");
    app.add_option("--rate", into.rate, "Calls per second. 0: as fast as the window allows.")
        ->check(CLI::Range(0.0, 1e6));
    app.add_option("--window", into.window, "Calls in flight at most.")
        ->check(CLI::Range(1, 65536))
        ->capture_default_str();
    app.add_option("--reads", into.reads, "Of a hundred calls.")
        ->check(CLI::Range(0, 100))
        ->capture_default_str();
    app.add_option("--again", into.again, "Of a hundred writes: those that clients may repeat.")
        ->check(CLI::Range(0, 100))
        ->capture_default_str();
    app.add_option("--bytes-max", into.bytes_max, "Of a value that is put.")->capture_default_str();
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
    app.add_option("--seed", into.seed, "Of keys and kinds of calls.")->capture_default_str();
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
