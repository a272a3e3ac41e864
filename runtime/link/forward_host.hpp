// SPDX-License-Identifier: Apache-2.0
//
// What the outgoing half of a lane needs from the rest of it, as interfaces without fields.
//
// `forward_host` is the lane: it owns the ledger and answers. `link_listener` is the membership,
// which is told what happens to links; only one lane of a node has it. One thread.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::runtime {

struct ledger_entry;
struct peer_link;

class forward_host {
public:
    virtual ~forward_host() = default;
    /// The answer of a call that another node ran. The entry is closed afterwards.
    virtual void forwarded_value(ledger_entry& entry, bytes_view payload) = 0;
    virtual void forwarded_error(ledger_entry& entry, error why) = 0;
    /// The node that had the call has stopped it: see `forwarder::recall_all`. `unstarted`: it had
    /// not begun there. The entry is closed afterwards.
    virtual void recalled(ledger_entry& entry, bool unstarted) = 0;
    /// Runs a call here after all, which was meant for another node. @returns false if it cannot.
    [[nodiscard]] virtual bool run_here(ledger_entry& entry) = 0;
    /// Has the name in an endpoint looked up; `forwarder::found_addresses` is told what comes of
    /// it.
    virtual void look_up(const std::string& endpoint) = 0;
};

class link_listener {
public:
    virtual ~link_listener() = default;
    /// That node answers at that address, whether the link is of use or not.
    virtual void answered(const std::string& endpoint, std::uint64_t instance) = 0;
    /// How long an answer of the node at the other end took.
    virtual void round_trip(const peer_link& link, std::int64_t ns) = 0;
    /// The handshake is done. @returns false if this node is of no use: the link is closed.
    [[nodiscard]] virtual bool link_up(const peer_link& link, std::string_view cluster) = 0;
    virtual void link_lost(const peer_link& link) = 0;
    /// A node could not be reached, or refused us (`refused`), at an address that was to be tried.
    virtual void link_failed(const peer_link& link, const std::string& why, bool refused) = 0;
    virtual void heard(std::uint64_t from, bytes_view message) = 0;
};

}  // namespace dunlin::runtime
