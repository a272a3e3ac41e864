// SPDX-License-Identifier: Apache-2.0
//
// Several nodes for tests of the client that name each other as members of one cluster.
//
// t/echo and t/hold_again are idempotent, t/hold is not. Nodes have the instances 101, 102, ... and
// the names n1, n2, ...
#pragma once

#include "fake_node.hpp"
#include "tests/support/reserved_port.hpp"

#include <dunlin/client.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace dunlin::tests {

/// Waits for what no fake node can see. `what` names it if that never comes.
template <class Condition>
void wait_until(Condition&& holds, const char* what) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until) throw std::runtime_error(what);
        std::this_thread::yield();
    }
}

class fake_cluster {
public:
    explicit fake_cluster(std::size_t nodes) {
        constexpr auto again = wire::catalog_flags::idempotent;
        for (std::size_t number = 1; number <= nodes; ++number) {
            ports_.push_back(std::make_unique<reserved_port>());
            nodes_.push_back(std::make_unique<fake_node>(fake_node::options{
                .endpoint = ports_.back()->endpoint(),
                .name = "n" + std::to_string(number),
                .cluster = "fakes",
                .instance = 100 + number,
                .catalog = {
                    {"t/echo", "1", again}, {"t/hold", "1", 0}, {"t/hold_again", "1", again}}}));
        }
        tell();
    }

    /// Vanishes without a word.
    void kill(std::size_t node) { nodes_[node].reset(); }
    /// Every node tells the same: those that were not killed.
    void tell() {
        std::vector<fake_node::known_member> members;
        for (const auto& each : nodes_) {
            if (each) members.push_back(each->as_member());
        }
        ++view_;
        for (const auto& each : nodes_) {
            if (each) each->tell_members(view_, members);
        }
    }

    [[nodiscard]] fake_node& operator[](std::size_t node) { return *nodes_[node]; }
    [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
    [[nodiscard]] std::size_t alive() const noexcept {
        std::size_t count = 0;
        for (const auto& each : nodes_) count += each ? 1 : 0;
        return count;
    }
    [[nodiscard]] fake_node::seen seen(std::size_t node) {
        return nodes_[node]->wait_for([](auto&) { return true; }, "");
    }
    /// Calls that the node has seen.
    [[nodiscard]] std::size_t invokes(std::size_t node) { return seen(node).invokes; }
    void answer_held() {
        for (const auto& each : nodes_)
            if (each) each->answer_held();
    }

    /// Knows one node, and has learned of the others.
    [[nodiscard]] client connected(client_options options = {}) {
        const auto wanted = std::min(options.nodes_max, alive());
        auto made = tests::connected(*nodes_.front(), std::move(options));
        wait_for_nodes(made, wanted);
        return made;
    }
    static void wait_for_nodes(const client& c, std::size_t count) {
        wait_until([&] { return c.stats().nodes == count; }, "the client never had those nodes");
    }

private:
    // Kept from others when a node is killed, for one that takes its place.
    std::vector<std::unique_ptr<reserved_port>> ports_;
    std::vector<std::unique_ptr<fake_node>> nodes_;
    std::uint64_t view_ = 0;
};

}  // namespace dunlin::tests
