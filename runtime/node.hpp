// SPDX-License-Identifier: Apache-2.0
//
// One node: modules, pools and lanes, wired in the order of a call's path, and nothing else.
//
// Owner: the program or a test that embeds a node. `start` returns when the node serves; `stop`
// returns when every call has been answered. `start`, `stop` and the destructor are for the owning
// thread; what only looks (`endpoints`, `name`, `functions`) is safe from any.
#pragma once

#include "runtime/node_config.hpp"

#include <dunlin/result.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::runtime {

class node {
public:
    /// Loads the modules, spawns the pools, binds and serves. Errors say which module file,
    /// endpoint or limit was at fault and what to try.
    [[nodiscard]] static result<std::unique_ptr<node>> start(node_config config);

    ~node();
    node(const node&) = delete;
    node& operator=(const node&) = delete;

    /// Every lane's endpoint with its real port, lane 0 first.
    [[nodiscard]] const std::vector<std::string>& endpoints() const noexcept;
    [[nodiscard]] const std::string& name() const noexcept;
    /// Full names of the functions served, sorted.
    [[nodiscard]] std::vector<std::string> functions() const;

    /// Where keyed functions keep their state: a folder, or the URL of a store without its
    /// password; empty if none does.
    [[nodiscard]] const std::string& state_place() const noexcept;

    /// What is to happen when somebody asks this node to drain (`dunlin drain`); called on any
    /// thread of the node, and must not wait for it. Usually it leads to `stop`.
    void on_drain(std::function<void()> asked);

    /// Announces the end to all peers, refuses new calls, waits for the running ones up to the
    /// drain timeout and answers the rest `unavailable`. Idempotent.
    /// @returns the number of calls that had to be answered in place of their function.
    std::size_t stop();
    /// After `stop`: functions that have not returned were left to run. A process that ends has to
    /// leave its globals alone then (`std::_Exit`), for those may use them.
    [[nodiscard]] bool left_running() const;

private:
    struct impl;
    static result<std::unique_ptr<node>> start_checked(node_config config);
    explicit node(std::unique_ptr<impl> state) noexcept;
    std::unique_ptr<impl> impl_;
};

}  // namespace dunlin::runtime
