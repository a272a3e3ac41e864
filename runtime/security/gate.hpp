// SPDX-License-Identifier: Apache-2.0
//
// Decides who may connect: answers ZeroMQ's questions about keys, and follows the allow-list.
//
// Each lane's ZeroMQ asks here before it lets a connection in (ZAP), and nobody whose key is
// neither the node's own nor in the allow-list gets further than that. The public key of what
// is let in comes with each of its frames, as ZeroMQ's property "User-Id"; the lanes look up there
// what it may do. The allow-list's file is looked at once a second: one that has changed holds at
// once, also for those who are connected, and one that cannot be read changes nothing.
// What it logs are public keys and names, never a secret, and each stranger once a minute.
// Owned by the node; a thread of its own. Made before the lanes bind, ended after they have ended.
#pragma once

#include "runtime/said_once.hpp"
#include "support/wake_event.hpp"

#include <zmq.hpp>

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace dunlin::runtime {

struct node_security;

class gate {
public:
    /// `contexts`: those of the lanes. `changed` is called on the gate's thread when the board of
    /// `serves` has something new. Throws zmq::error_t, std::system_error.
    gate(node_security& serves, const std::vector<std::reference_wrapper<zmq::context_t>>& contexts,
         std::function<void()> changed);
    ~gate();
    gate(const gate&) = delete;
    gate& operator=(const gate&) = delete;

private:
    void run();
    void answer(zmq::socket_t& socket);
    void refuse(const std::string& public_key, const std::string& address);
    void look_at_list();

    node_security& node_;
    const std::function<void()> changed_;
    said_once strangers_;
    std::vector<zmq::socket_t> sockets_;
    support::wake_event stop_;
    std::thread thread_;
};

}  // namespace dunlin::runtime
