// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/nodes_verb.hpp"

#include "runtime/program/any_value.hpp"
#include "runtime/program/ask_members.hpp"
#include "runtime/program/connection.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/member_use.hpp"
#include "runtime/program/node_table.hpp"
#include "runtime/program/signals.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Lists the nodes of a cluster: their states, how busy they are, where they listen, and how "
    "many "
    "nodes it would need. One node is asked, and answers with what it knows; all are asked what "
    "they do.";

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
time in use, of the function that uses most; held is the share of its budget of memory
(pools.queue_bytes_max) that calls, replies and actors take.

How many nodes are wanted follows from what all functions of all nodes use now, from their queues,
and from calls that were refused within a minute: so many that 70 % of each would be used. In the
JSON `wanted_nodes` and `wanted_nodes_reason` stand with the node that was asked, whose `self` is
true; an autoscaler can follow them:
    dunlin nodes --json | jq '.[] | select(.self) | .wanted_nodes'

Exit codes: 0 success, 1 the node did not answer the question, 2 usage, 3 no node reached.)";

// A node that does not answer is taken for what the asked one knows of it.
constexpr std::chrono::milliseconds patience{1000};

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
    const auto members =
        reply ? read_members(reply->encoded) : result<std::vector<member>>(reply.error());
    if (!members) {
        complain(to_string(members.error()));
        return exit_code::call_failed;
    }
    const auto answers =
        ask_members(*to.client, *members, {"dunlin/stats"}, patience, given.connection.keys);
    const auto wanted = nodes_wanted(use_of(*members, answers));
    const auto memory = memory_of(answers);
    const auto text = given.json ? nodes_json(reply->encoded, which, &wanted, memory)
                                 : nodes_table(reply->encoded, which, memory);
    if (!text) {
        complain(to_string(text.error()));
        return exit_code::call_failed;
    }
    std::fputs(text->c_str(), stdout);
    if (!given.json) std::fputs(("\n" + wanted_line(wanted)).c_str(), stdout);
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
