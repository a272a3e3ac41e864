// SPDX-License-Identifier: Apache-2.0
//
// How the verbs that call functions find their node: the options they share, and the client made
// from them. Main thread.
#pragma once

#include "runtime/program/signals.hpp"

#include <dunlin/client.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace dunlin::program {

/// Files with the keys of a client; empty: it has none.
struct key_files {
    std::string client;  // its own, secret
    std::string node;    // the public one of the nodes
};

struct connection_options {
    std::vector<std::string> nodes = {"tcp://127.0.0.1:7440"};
    std::chrono::microseconds timeout = std::chrono::seconds(10);
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
    /// Whether `timeout` is for all that the verb does, finding a node included. Otherwise it is
    /// for each of many calls, none of which is made before a node was found.
    bool timeout_bounds_connect = true;
    /// Calls that the client may have under way.
    std::size_t in_flight_max = 65536;
    /// Whether other members of the cluster than the nodes above may be spoken to.
    bool learn_members = false;
    key_files keys;
};

/// --node, --timeout, --connect-timeout, --client-key and --node-key.
void add_connection_options(CLI::App& app, connection_options& to,
                            const std::string& timeout_help = "Time until a call's deadline.");
/// The same without --node, for a verb that has another word for that.
void add_dialing_options(CLI::App& app, connection_options& to, const std::string& timeout_help);

/// For a client that speaks with one node and no other, whatever cluster that belongs to: answers
/// within `patience`, or not.
[[nodiscard]] client_options one_node(std::vector<std::string> endpoints,
                                      std::chrono::milliseconds patience, const key_files& keys);

struct connection {
    std::optional<dunlin::client> client;
    /// Without a client: what to exit with, and why. The reason is on standard error.
    int exit_code = 0;
    error why = {};
};

/// A signal ends the process while this waits: there is nothing to clean up yet.
[[nodiscard]] connection connect(const connection_options& options, const signals& stop);

}  // namespace dunlin::program
