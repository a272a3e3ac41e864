// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/functions_verb.hpp"

#include "runtime/program/ask_members.hpp"
#include "runtime/program/connection.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/function_list.hpp"
#include "runtime/program/function_table.hpp"
#include "runtime/program/member_list.hpp"
#include "runtime/program/signals.hpp"
#include "runtime/text/suggest.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Lists the functions of a cluster: what they are for, what they take and return, and which "
    "nodes serve them.";

constexpr const char* footer = R"(Examples:
    dunlin functions
    dunlin functions text/count_words
    dunlin functions --this-node --node tcp://10.0.0.5:7440
    dunlin functions --json | jq -r '.[] | select(.nodes | length == 1) | .name'

Every living node of the cluster is asked. ACTORS are those that there are now. With NAME one
function is shown with its whole types, and how its actors come and go. A "*" marks fields that an
input must have; others that are left out keep their default. With --json each function is an object
with its full input and output schema (JSON Schema), the nodes that serve it, the size and queue of
their pools together, the actors that were started and ended, the calls that paid for a start, and
its measured times of a call and of a start, the longest of them.

A key that may not call dunlin/nodes sees the node that answers alone. A node that does not answer
is named on standard error, and the others are listed.

Exit codes: 0 success, 1 no node answered the question, or there is no such function, 2 usage,
3 no node reached.)";

struct functions_arguments {
    connection_options connection;
    std::string name;
    bool this_node = false;
    bool json = false;
};

// Nothing when nobody has answered; the reason has been said then.
function_list ask(client& entry, const functions_arguments& given) {
    function_list list;
    const auto patience = std::chrono::ceil<std::chrono::milliseconds>(given.connection.timeout);
    const auto asked = given.this_node ? std::vector{alone(entry)} : members_or_alone(entry);
    for (auto& each :
         ask_members(entry, asked, {"dunlin/functions"}, patience, given.connection.keys)) {
        auto added = each.reply ? list.add(each.name, *each.reply)
                                : result<void>(std::move(each.reply.error()));
        if (!added) complain("node " + each.name + ": " + to_string(added.error()));
    }
    return list;
}

int no_such_function(const std::string& name, const function_list& list) {
    std::vector<std::string> known;
    for (const auto& each : list.functions()) known.push_back(text_in(each.about, "name"));
    complain("no function " + name + runtime::did_you_mean(name, known));
    return exit_code::call_failed;
}

int run(const functions_arguments& given) {
    const signals stop;
    auto to = connect(given.connection, stop);
    if (!to.client) return to.exit_code;
    const exit_at_signal meanwhile(stop);
    const auto list = ask(*to.client, given);
    if (list.nodes().empty()) return exit_code::call_failed;
    std::string text;
    if (given.name.empty()) {
        text = given.json ? functions_json(list) : functions_table(list);
    } else if (const auto* one = list.find(given.name); one == nullptr) {
        return no_such_function(given.name, list);
    } else {
        text = given.json ? function_json(*one) : function_details(*one, list);
    }
    std::fputs(text.c_str(), stdout);
    return exit_code::success;
}

}  // namespace

verb add_functions(CLI::App& program) {
    auto* app = program.add_subcommand("functions", description);
    app->footer(footer);
    auto given = std::make_shared<functions_arguments>();
    app->add_option("NAME", given->name, "Only this function, with its whole types.");
    app->add_flag("--this-node", given->this_node, "Only those of the node that answers.");
    app->add_flag("--json", given->json, "Print a JSON array with all that is known.")
        ->group("Output");
    add_connection_options(*app, given->connection);
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
