// SPDX-License-Identifier: Apache-2.0
//
// Asks the nodes of a cluster what they have counted, each through a client of its own.
//
// A node that hangs costs a round its patience, and no other node's answer. Who the members are is
// asked of one node, and of another one when that does not answer any more. One thread calls; for
// the time of a round there is one more for each node.
#pragma once

#include "runtime/program/connection.hpp"
#include "runtime/program/top_model.hpp"

#include <dunlin/client.hpp>
#include <dunlin/result.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::program {

class cluster_poll {
public:
    /// Of a larger cluster the first ones are asked, so that neither threads nor sockets run out.
    static constexpr std::size_t nodes_asked_max = 128;

    /// `entry` leads to the node that is asked for the members as long as it answers. `patience`
    /// is how long any answer may take; `keys` are for the other nodes.
    cluster_poll(client entry, std::chrono::milliseconds patience, key_files keys);

    /// One question to every living member, at the same time. Errors: what the last node said, or
    /// that it did not, when nobody lists the members.
    [[nodiscard]] result<observation> round();

private:
    /// A node and the way to it, which is made when it is needed.
    struct contact {
        std::string name;
        std::vector<std::string> endpoints;
        std::shared_ptr<client> way = {};
    };
    [[nodiscard]] result<std::vector<member>> ask_members();
    [[nodiscard]] result<observation::answer> ask(contact& whom) const;
    void meet(const std::vector<member>& members);

    std::chrono::milliseconds patience_;
    key_files keys_;
    std::shared_ptr<client> lists_members_;
    std::map<std::uint64_t, contact> contacts_;  // by instance; nodes_asked_max at most
};

}  // namespace dunlin::program
