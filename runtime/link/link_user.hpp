// SPDX-License-Identifier: Apache-2.0
//
// What links have for the floors above them, as interfaces without fields.
//
// `link_user` is the router: it knows what calls a link has and which functions are served at its
// other end. `link_listener` is the membership; only one lane of a node has it. Both are told of
// what happens rarely: answers go up without a virtual call, see `links::receive`. One thread.
#pragma once

#include <dunlin/bytes.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::runtime {

struct peer_link;

class link_user {
public:
    virtual ~link_user() = default;
    /// Has the name in an endpoint looked up; `links::found_addresses` is told what comes of it.
    virtual void look_up(const std::string& endpoint) = 0;
    /// `link.incoming` is a whole list of what the other node serves, in place of the one before.
    virtual void catalog_arrived(peer_link& link, std::int64_t now_ns) = 0;
    /// Whether calls may be sent there, or whether it answers, is not as it was.
    virtual void standing_changed(peer_link& link) = 0;
    /// The connection has ended. `said_goaway`: its node had said that it leaves.
    virtual void connection_lost(peer_link& link, bool said_goaway, std::int64_t now_ns) = 0;
    /// The link is about to be taken away, and nothing may point at it any more.
    virtual void forget(peer_link& link) noexcept = 0;
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
