// SPDX-License-Identifier: Apache-2.0
//
// Real nodes of one cluster inside the test, on ports of the system's choice.
//
// They load the same modules, so an event that a function of one reports can be waited for at
// another. What dies abruptly is tested with processes, in Python.
#pragma once

#include "tests/cluster/node_harness.hpp"
#include "tests/cluster/raw_client.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::testing {

[[nodiscard]] inline runtime::node_config member_settings(
    const std::string& name, const std::vector<std::string>& join = {}) {
    auto config = node_settings();
    config.name = name;
    config.cluster = "under test";
    config.join = join;
    return config;
}

/// A node that serves nothing itself.
[[nodiscard]] inline runtime::node_config entry_settings(
    const std::string& name, const std::vector<std::string>& join = {}) {
    auto config = member_settings(name, join);
    config.modules.clear();
    return config;
}

/// Why a node does not start; empty when it does.
[[nodiscard]] inline std::string refusal(runtime::node_config config) {
    const auto started = runtime::node::start(std::move(config));
    return started ? "" : std::string(to_string(started.error()));
}

/// What a node of the cluster says first.
[[nodiscard]] inline wire::hello hello_of_node(std::string_view name, std::uint64_t instance) {
    wire::hello hello;
    hello.role = wire::peer_role::node;
    hello.name = name;
    hello.cluster = "under test";
    hello.instance = instance;
    return hello;
}

[[nodiscard]] inline const std::string& at(const runtime::node& node) {
    return node.endpoints().front();
}

/// Waits until every node sees exactly these, alive.
inline void wait_until_together(const std::vector<const runtime::node*>& nodes) {
    std::map<std::string, std::string> all;
    for (const auto* each : nodes) all[each->name()] = "alive";
    for (const auto* each : nodes) {
        raw_client client(at(*each));
        client.wait_for_members(all);
    }
}

/// Waits until the node can send calls of the function somewhere.
inline void wait_until_callable(raw_client& client, const std::string& function) {
    ask_until(
        [&] {
            const auto& answer = client.call(function, nullptr);
            return answer.ok || answer.code != errc::not_found;
        },
        "somebody to serve ", function);
}

/// How many invocations of a function this node has run.
[[nodiscard]] inline std::uint64_t runs(const runtime::node& node, const std::string& function) {
    raw_client client(at(node));
    client.wait_until_idle(function);  // calls are answered before they are counted
    return client.function(function).at("invocations");
}

}  // namespace dunlin::testing
