// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/departures.hpp"

#include "runtime/log.hpp"

#include <vector>

namespace dunlin::runtime {

// Its calls first: ending them still touches the peer, as the caller of each.
void departures::remove(peer& leaving, std::string_view why) {
    log().debug("peer gone",
                {{"name", leaving.name}, {"why", why}, {"calls_open", leaving.in_flight}});
    calls_.abandon(leaving);
    keeper_.take_bulk(leaving);
    outlet_.forget(leaving);
    keeper_.detach(leaving);
    outlet_.peers().remove(leaving);
}

void departures::flush_all() {
    outlet_.flush_all([this](peer& gone, std::string_view why) { remove(gone, why); });
}

void departures::renew_access() {
    if (authorizer_ == nullptr) return;
    // Until every peer's rights are renewed they are those of the access before.
    const auto before = authorizer_->renew();
    if (!before) return;
    links_.use_keys(authorizer_->node_keys());
    std::vector<peer*> no_more;
    outlet_.peers().for_each([&](peer& each) {
        if (!authorizer_->renew(each)) return no_more.push_back(&each);
        // It may call other functions now.
        if (each.wants_cluster && each.role != wire::peer_role::node) handshake_.tell_catalog(each);
    });
    for (auto* each : no_more) expel(*each);
}

// Its connection ends a little later, when the peer can have read why.
void departures::expel(peer& who) {
    constexpr std::string_view why = "the key of this connection is not allowed any more";
    authorizer_->note_expelled(who);
    calls_.refuse_all_of(who, errc::unavailable, why);
    wire::append(who.out, wire::goaway{static_cast<std::int64_t>(errc::unauthenticated), why});
    outlet_.flush(who);
    keeper_.end_later(who);
    remove(who, "its key is not allowed any more");
}

}  // namespace dunlin::runtime
