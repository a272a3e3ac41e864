// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/nodes_verb.hpp"

#include "runtime/program/any_value.hpp"
#include "runtime/program/connection.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/node_table.hpp"
#include "runtime/program/signals.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Lists the nodes of a cluster: their states, how busy they are, where they listen. One node is "
    "asked, and answers with what it knows.";

constexpr const char* footer = R"(Examples:
    dunlin nodes
    dunlin nodes --all
    dunlin nodes --node tcp://10.0.0.5:7440 --json

'*' marks the node that was asked; round trips are those it measured. The states:
    alive     answers
    suspect   did not answer lately, and has a moment left to say otherwise
    draining  takes no new calls, finishes those it has, then leaves
    dead      answered nobody in time (shown with --all)
    left      took its leave (shown with --all)
The incarnation is how often a node had to contradict that it was dead. Busy is the share of its
time in use, of the function that uses most.

Exit codes: 0 success, 1 the node did not answer the question, 2 usage, 3 no node reached.)";

struct nodes_arguments {
    connection_options connection;
    bool all = false;
    bool json = false;
};

int run(const nodes_arguments& given) {
    const signals stop;
    auto to = connect(given.connection, stop);
    if (!to.client) return to.exit_code;
    const exit_at_signal meanwhile(stop);
    const auto reply = to.client->invoke<any_value>("dunlin/nodes", nullptr);
    const auto which = given.all ? members_shown::all : members_shown::living;
    auto text = reply ? (given.json ? nodes_json(reply->encoded, which)
                                    : nodes_table(reply->encoded, which))
                      : result<std::string>(reply.error());
    if (!text) {
        complain(to_string(text.error()));
        return exit_code::call_failed;
    }
    std::fputs(text->c_str(), stdout);
    return exit_code::success;
}

}  // namespace

verb add_nodes(CLI::App& program) {
    auto* app = program.add_subcommand("nodes", description);
    app->footer(footer);
    auto given = std::make_shared<nodes_arguments>();
    app->add_flag("--all", given->all, "Show those too that are dead or have left.")
        ->group("Output");
    app->add_flag("--json", given->json, "Print a JSON array with all that is known.")
        ->group("Output");
    add_connection_options(*app, given->connection);
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
