// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/connection.hpp"

#include "runtime/program/exit_code.hpp"
#include "runtime/program/quantity_options.hpp"
#include "runtime/program/verb.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <utility>

namespace dunlin::program {

void add_connection_options(CLI::App& app, connection_options& to,
                            const std::string& timeout_help) {
    app.add_option(
           "--node", to.nodes,
           "Where nodes listen. The first that answers is used, the others when it is gone.")
        ->type_name("ENDPOINT")
        ->default_str(to.nodes.front())
        ->delimiter(',')
        ->allow_extra_args(false)
        ->envname("DUNLIN_NODE")
        ->group("Connection");
    add_dialing_options(app, to, timeout_help);
}

void add_dialing_options(CLI::App& app, connection_options& to, const std::string& timeout_help) {
    add_duration(app, "--timeout", to.timeout, timeout_help)->group("Connection");
    add_duration(app, "--connect-timeout", to.connect_timeout,
                 std::string("How long to wait for a node's first answer") +
                     (to.timeout_bounds_connect ? "; never longer than --timeout." : "."))
        ->group("Connection");
    app.add_option("--client-key", to.keys.client,
                   "Key file of dunlin keygen that names this client to nodes with keys.")
        ->type_name("FILE")
        ->envname("DUNLIN_CLIENT_KEY")
        ->group("Connection");
    app.add_option("--node-key", to.keys.node,
                   "Public key file of the nodes, which they have to prove; with --client-key.")
        ->type_name("FILE")
        ->envname("DUNLIN_NODE_KEY")
        ->group("Connection");
}

client_options one_node(std::vector<std::string> endpoints, std::chrono::milliseconds patience,
                        const key_files& keys) {
    client_options wanted;
    wanted.endpoints = std::move(endpoints);
    wanted.timeout = patience;
    wanted.connect_timeout = patience;
    wanted.busy_poll = std::chrono::microseconds(0);
    wanted.learn_members = false;
    wanted.key_file = keys.client;
    wanted.node_key_file = keys.node;
    return wanted;
}

connection connect(const connection_options& options, const signals& stop) {
    client_options wanted;
    wanted.endpoints = options.nodes;
    wanted.timeout = options.timeout;
    wanted.connect_timeout = options.connect_timeout;
    // A call that may take so long gets no more time to find its node.
    if (options.timeout_bounds_connect)
        wanted.connect_timeout = std::min(
            wanted.connect_timeout, std::chrono::ceil<std::chrono::milliseconds>(options.timeout));
    wanted.in_flight_max = options.in_flight_max;
    wanted.learn_members = options.learn_members;
    wanted.key_file = options.keys.client;
    wanted.node_key_file = options.keys.node;
    const exit_at_signal meanwhile(stop);
    auto made = client::connect(std::move(wanted));
    if (made) return {std::move(*made), exit_code::success, {}};
    complain(to_string(made.error()));
    const bool wrong = made.error().code == errc::invalid_argument;
    return {std::nullopt, wrong ? exit_code::usage : exit_code::unreachable,
            std::move(made.error())};
}

}  // namespace dunlin::program
