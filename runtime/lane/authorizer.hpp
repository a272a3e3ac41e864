// SPDX-License-Identifier: Apache-2.0
//
// Whose key may do what, on a node with a key. A node without one has no authorizer: there,
// everybody may do everything.
//
// ZeroMQ has checked that the other side has the key that its connection names; what that key may
// do says the access that holds now. A client may call the functions that its patterns name, under
// an origin of its own, and as much at once as its key's quota has room for; only a node may send
// what nodes send. Who is refused is told why, and it is logged once a minute at most. Part of a
// lane; one thread, but for the board that it looks at.
#pragma once

#include "runtime/lane/counters.hpp"
#include "runtime/lane/outlet.hpp"
#include "runtime/lane/peer.hpp"
#include "runtime/lane/peer_rights.hpp"
#include "runtime/membership/cluster_view.hpp"
#include "runtime/said_once.hpp"
#include "runtime/security/access.hpp"
#include "runtime/security/node_security.hpp"
#include "wire/envelope.hpp"

#include <dunlin/result.hpp>

#include <zmq.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime {

struct gathering;

class authorizer {
public:
    /// `instance` is this node's; `view` is who the lane knows, and `now_ns` its time.
    authorizer(const node_security& security, std::uint64_t instance,
               const std::shared_ptr<const cluster_view>& view, outlet& out,
               lane_counters& counters, const std::int64_t& now_ns);

    /// The key of the connection that a frame came on. Lives as long as the frame.
    [[nodiscard]] static std::string_view key_of(zmq::message_t& frame);

    /// Whether somebody else may connect now. Cheap enough to ask for each frame.
    [[nodiscard]] bool outdated() const noexcept { return number_ != security_.board.number(); }
    /// From now on the newest access holds. @returns the one before, to be kept until every peer's
    /// rights are renewed; null: nothing has changed.
    [[nodiscard]] std::shared_ptr<const access> renew();
    /// ... for a peer that is there. @returns false when it may do nothing any more.
    [[nodiscard]] bool renew(peer& of) const;
    /// The keys that other nodes may have.
    [[nodiscard]] std::vector<std::shared_ptr<const security::client_keys>> node_keys() const;

    /// Whether a frame under the peer's routing id is not the peer's.
    [[nodiscard]] bool is_another(const peer& known, std::string_view key);
    [[nodiscard]] result<std::unique_ptr<peer_rights>> rights_of(const wire::hello& hello,
                                                                 std::string_view key);
    /// Answers what only others may send.
    void pretended(peer& from, std::uint64_t call_id, std::string_view what);
    /// Answers the call if the peer may not make it. `into` keeps what was found of its function.
    [[nodiscard]] bool may_call(peer& from, const wire::invoke& call, gathering& into);
    /// Answers the call if the quota of the peer's key has no room for it. Else it has a place
    /// there until it has ended, or the peer's `free_place`.
    [[nodiscard]] bool within_quota(peer& from, std::uint64_t call_id);
    /// The peer is about to be removed since it may do nothing any more.
    void note_expelled(const peer& who);

private:
    [[nodiscard]] bool owns_origin(peer_rights& rights, std::uint64_t told) const;

    const node_security& security_;
    const std::uint64_t instance_;
    const std::shared_ptr<const cluster_view>& view_;
    outlet& outlet_;
    lane_counters& counters_;
    const std::int64_t& now_ns_;
    std::uint64_t number_;  // of the board before `access_` was taken, which may be newer
    std::shared_ptr<const access> access_;
    said_once said_;
};

}  // namespace dunlin::runtime
