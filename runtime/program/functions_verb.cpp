// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/functions_verb.hpp"

#include "runtime/program/any_value.hpp"
#include "runtime/program/connection.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/function_table.hpp"
#include "runtime/program/signals.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Lists the functions that a node serves: what they are for, what they take and return.";

constexpr const char* footer = R"(Examples:
    dunlin functions
    dunlin functions --node tcp://10.0.0.5:7440 --json

With --json each function is an object with its full input and output schema (JSON Schema), its
pool's size and queue, and its measured service time.

Exit codes: 0 success, 1 the node did not answer the question, 2 usage, 3 no node reached.)";

struct functions_arguments {
    connection_options connection;
    bool json = false;
};

int run(const functions_arguments& given) {
    const signals stop;
    auto to = connect(given.connection, stop);
    if (!to.client) return to.exit_code;
    const exit_at_signal meanwhile(stop);
    const auto reply = to.client->invoke<any_value>("dunlin/functions", nullptr);
    auto text =
        reply ? (given.json ? functions_json(reply->encoded) : functions_table(reply->encoded))
              : result<std::string>(reply.error());
    if (!text) {
        complain(to_string(text.error()));
        return exit_code::call_failed;
    }
    std::fputs(text->c_str(), stdout);
    return exit_code::success;
}

}  // namespace

verb add_functions(CLI::App& program) {
    auto* app = program.add_subcommand("functions", description);
    app->footer(footer);
    auto given = std::make_shared<functions_arguments>();
    app->add_flag("--json", given->json, "Print a JSON array with all that is known.")
        ->group("Output");
    add_connection_options(*app, given->connection);
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
