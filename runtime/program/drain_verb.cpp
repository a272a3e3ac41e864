// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/drain_verb.hpp"

#include "runtime/program/any_value.hpp"
#include "runtime/program/connection.hpp"
#include "runtime/program/drain_watch.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/member_list.hpp"
#include "runtime/program/progress.hpp"
#include "runtime/program/signals.hpp"
#include "runtime/program/text_table.hpp"
#include "runtime/program/top_model.hpp"
#include "runtime/text/quantity.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace dunlin::program {
namespace {

using clock = std::chrono::steady_clock;

constexpr const char* description =
    "Takes a node out of its cluster: it takes no new calls, finishes those it has, and leaves.";

constexpr const char* footer = R"(Examples:
    dunlin drain n2
    dunlin drain n2 --node tcp://10.0.0.5:7440 --timeout 5m
    dunlin drain n1 --force

--node is any node of the cluster; the one to drain is found by its name, as dunlin nodes lists it.
The others stop sending it calls before it stops taking them, so no call is lost. Then its process
ends; how long it waits for calls that run is its own --drain-timeout. The last node that takes
calls refuses, as nobody could take its place, unless --force is given; if all are told to drain
at once, one of them does. When --timeout passes the node goes on draining, and the command fails.
Draining a node that drains only waits.

Exit codes: 0 the node has left, 1 it refused, died, or is still there after --timeout, 2 usage or
an unknown node, 3 no node reached, 130 interrupted; the node goes on draining.)";

// How often it is looked whether a node has left: a moment for a person, no burden to the others.
constexpr std::chrono::milliseconds look_every{100};

struct drain_arguments {
    connection_options connection;
    std::string name;
    bool force = false;
};

std::string seconds_since(clock::time_point begin) {
    const std::chrono::duration<double> passed = clock::now() - begin;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1fs", passed.count());
    return text.data();
}

int failed(const std::string& why, int code = exit_code::call_failed) {
    complain(why);
    return code;
}

// What it has still to do, if it says so.
std::string work_left(client& way) {
    call_options how;
    how.timeout = look_every;
    const auto reply = way.invoke<any_value>("dunlin/stats", nullptr, how);
    if (!reply) return "";
    const auto sample = read_sample(reply->encoded);
    if (!sample) return "";
    const auto open = sample->calls_open;
    return ", " + grouped(open) + (open == 1 ? " call" : " calls") + " to finish";
}

// Asks the node itself. Errors: what it says against it.
result<void> begin(client& way, const member& whom, bool force) {
    using input = std::map<std::string, bool>;
    const auto answer = force ? way.invoke<any_value>("dunlin/drain", input{{"force", true}})
                              : way.invoke<any_value>("dunlin/drain", nullptr);
    if (answer) return {};
    auto why = answer.error();
    if (why.code == errc::not_found)
        why.detail = "node " + whom.name + " (version " + whom.version +
                     ") cannot be told to drain; stop its process with SIGTERM";
    return why;
}

int wait_until_gone(const std::vector<member>& members, const member& whom, client& way,
                    clock::time_point began, const connection_options& options) {
    drain_watch watch(members, whom, options.keys);
    progress shown(results_go::nowhere);
    for (;;) {
        switch (watch.look()) {
            case leaving::left:
                shown.clear();
                std::printf("%s has left after %s\n", printable(whom.name).c_str(),
                            seconds_since(began).c_str());
                return exit_code::success;
            case leaving::died:
                shown.clear();
                return failed("node " + whom.name + " died before it had left, after " +
                              seconds_since(began));
            case leaving::still_there: break;
        }
        if (clock::now() - began >= options.timeout) {
            const auto left = work_left(way);
            shown.clear();
            return failed("node " + whom.name + " is still draining after " + seconds_since(began) +
                          left + "; it goes on by itself");
        }
        if (shown.due())
            shown.show(printable(whom.name) + " drains, " + seconds_since(began) + work_left(way));
        std::this_thread::sleep_for(look_every);
    }
}

int run(const drain_arguments& given) {
    const signals stop;
    auto to = connect(given.connection, stop);
    if (!to.client) return to.exit_code;
    const exit_at_signal meanwhile(stop);
    const auto began = clock::now();
    const auto reply = to.client->invoke<any_value>("dunlin/nodes", nullptr);
    if (!reply) return failed(to_string(reply.error()));
    const auto members = read_members(reply->encoded);
    if (!members) return failed(to_string(members.error()));
    const auto* whom = find_member(*members, given.name);
    if (whom == nullptr || !whom->living())
        return failed(no_such_member(*members, given.name), exit_code::usage);

    auto way = client::connect(
        one_node(whom->endpoints, given.connection.connect_timeout, given.connection.keys));
    if (!way)
        return failed("node " + whom->name + ": " + to_string(way.error()), exit_code::unreachable);
    // An address can have been given to another node since.
    if (way->node() != whom->name)
        return failed("node " + way->node() + " answers in place of " + whom->name,
                      exit_code::unreachable);
    // One that drains takes no calls any more, so it is only waited for.
    const auto begun = whom->state == "draining" ? result<void>{} : begin(*way, *whom, given.force);
    if (!begun) return failed(to_string(begun.error()));
    return wait_until_gone(*members, *whom, *way, began, given.connection);
}

}  // namespace

verb add_drain(CLI::App& program) {
    auto* app = program.add_subcommand("drain", description);
    app->footer(footer);
    auto given = std::make_shared<drain_arguments>();
    app->add_option("NODE", given->name, "The node's name, as dunlin nodes lists it.")
        ->required()
        ->type_name("NODE");
    app->add_flag("--force", given->force, "Also if it is the last node that takes calls.")
        ->group("Draining");
    // A little more than what a node waits for its calls unless told otherwise.
    given->connection.timeout = std::chrono::seconds(30);
    add_connection_options(*app, given->connection, "How long to wait until the node has left.");
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
