// SPDX-License-Identifier: Apache-2.0
//
// Asks the nodes of a cluster what they have counted, each through a client of its own.
//
// One thread calls; for the time of a round there is one more for each node.
#pragma once

#include "runtime/program/connection.hpp"
#include "runtime/program/member_contacts.hpp"
#include "runtime/program/top_model.hpp"

#include <dunlin/client.hpp>
#include <dunlin/result.hpp>

#include <chrono>

namespace dunlin::program {

class cluster_poll {
public:
    /// As of member_contacts.
    cluster_poll(client entry, std::chrono::milliseconds patience, const key_files& keys)
        : contacts_(std::move(entry), patience, keys) {}

    /// One question to every living member, at the same time. Errors: what the last node said, or
    /// that it did not, when nobody lists the members.
    [[nodiscard]] result<observation> round();

private:
    [[nodiscard]] result<observation::answer> ask(member_contacts::contact& whom) const;

    member_contacts contacts_;
};

}  // namespace dunlin::program
