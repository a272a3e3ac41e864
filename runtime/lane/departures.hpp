// SPDX-License-Identifier: Apache-2.0
//
// How peers leave a lane.
//
// A peer says bye, is found unreachable or too slow, has its routing id taken by another
// connection, or has a key that is not allowed any more. Whichever it is, nobody waits for its
// calls from then on, nothing points at it, and its connection is a stranger's. An expelled peer
// hears why first. Part of a lane; one thread.
#pragma once

#include "runtime/lane/authorizer.hpp"
#include "runtime/lane/connection_keeper.hpp"
#include "runtime/lane/handshake.hpp"
#include "runtime/lane/open_calls.hpp"
#include "runtime/lane/outlet.hpp"
#include "runtime/lane/peer.hpp"
#include "runtime/link/links.hpp"

#include <string_view>

namespace dunlin::runtime {

class departures {
public:
    departures(outlet& out, connection_keeper& keeper, handshake& greets, open_calls& calls,
               links& over)
        : outlet_(out),
          keeper_(keeper),
          handshake_(greets),
          calls_(calls),
          links_(over) {}

    /// Before the lane serves, on a node with a key.
    void use_keys(authorizer& of) noexcept { authorizer_ = &of; }

    /// Takes the peer away. `why` is for the log.
    void remove(peer& leaving, std::string_view why);
    /// Sends every peer what it is owed, and removes those that are found gone.
    void flush_all();
    /// There may be news of who may connect: peers whose key is not allowed any more are expelled.
    /// Nothing to do on a node without a key.
    void renew_access();

private:
    void expel(peer& who);

    outlet& outlet_;
    connection_keeper& keeper_;
    handshake& handshake_;
    open_calls& calls_;
    links& links_;
    authorizer* authorizer_ = nullptr;  // null: this node has no key
};

}  // namespace dunlin::runtime
