// SPDX-License-Identifier: Apache-2.0
//
// What other nodes send on our links that is about the link itself: who they are, what they serve,
// and whether they are there.
#include "runtime/link/links.hpp"
#include "runtime/log.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::runtime {

namespace {

constexpr std::int64_t rtt_weight = 8;

std::string_view port_of(std::string_view endpoint) {
    return endpoint.substr(endpoint.rfind(':') + 1);
}

/// A node's first lane alone takes part in the membership.
/// @returns where that is when `endpoint` is another lane's; otherwise nothing. Ports that the node
/// does not name, as those of a proxy, are left alone.
std::string first_lane_of(const wire::welcome& node, std::string_view endpoint) {
    for (std::size_t i = 1; i < node.endpoint_count; ++i) {
        if (port_of(node.endpoints[i]) != port_of(endpoint)) continue;
        const auto host = endpoint.substr(0, endpoint.rfind(':') + 1);
        return std::string(host) + std::string(port_of(node.endpoints[0]));
    }
    return {};
}

}  // namespace

bool links::has_news() {
    bool found = false;
    for (auto& link : links_)
        if (std::exchange(link->unheard, false) && link->connection != nullptr)
            found = link->connection->readable() || found;
    return found;
}

void links::heard(peer_link& link, std::int64_t now_ns) {
    counters_.frames_received.add();
    const bool was_late = link.pulse.late();
    link.pulse.heard(now_ns);
    if (was_late) user_.standing_changed(link);
}

void links::malformed(peer_link& link, std::string_view problem) {
    counters_.frames_malformed.add();
    give_up(link, "it sent a malformed frame: " + std::string(problem));
}

void links::read_control(peer_link& link, wire::frame_reader& reader, std::int64_t now_ns) {
    switch (reader.kind()) {
        case wire::kind::welcome: return welcomed(link, reader.welcome(), now_ns);
        case wire::kind::goaway: return goaway(link, reader.goaway());
        case wire::kind::catalog: return read_catalog(link, reader.items(), now_ns);
        case wire::kind::gossip:
            if (listener_ != nullptr && link.instance != 0)
                listener_->heard(link.instance, reader.gossip().message);
            return;
        case wire::kind::ping:
            wire::append(link.out, wire::pong{reader.id_or_token()});
            return appended(link);
        case wire::kind::pong: return ponged(link, now_ns);
        default: return;  // what is for clients
    }
}

void links::ponged(peer_link& link, std::int64_t now_ns) {
    if (link.pings.sent_ns == 0) return;
    const auto took_ns = now_ns - std::exchange(link.pings.sent_ns, 0);
    if (listener_ != nullptr) listener_->round_trip(link, took_ns);
    // An exponentially weighted moving average (EWMA).
    link.rtt_ns = link.rtt_ns == 0 ? took_ns : link.rtt_ns + (took_ns - link.rtt_ns) / rtt_weight;
    user_.standing_changed(link);
}

void links::welcomed(peer_link& link, const wire::welcome& welcome, std::int64_t now_ns) {
    if (link.now != peer_link::phase::greeting) return;
    if (welcome.version != wire::protocol_version) {
        link.refused = true;
        return give_up(link, "it speaks version " + std::to_string(welcome.version) +
                                 " of the protocol, this node version " +
                                 std::to_string(wire::protocol_version) +
                                 "; run releases of Dunlin on both that share a version");
    }
    if (listener_ != nullptr) listener_->answered(link.endpoint, welcome.instance);
    if (link.instance != 0 && link.instance != welcome.instance)
        return give_up(link, "another node answers there now, " + std::string(welcome.node));
    for (auto& other : links_) {
        if (other.get() == &link || other->instance != welcome.instance) continue;
        other->try_at_ns = now_ns;  // it can be reached
        link.redundant = true;
        return give_up(link, "there is a link to it already");
    }
    // To join, this lane has to be heard by the other's membership.
    if (const auto first = first_lane_of(welcome, link.endpoint);
        listener_ != nullptr && link.instance == 0 && !first.empty()) {
        link.redundant = true;
        give_up(link, "its membership is at " + first);
        return reach(first, now_ns);
    }
    link.name = welcome.node;
    link.instance = welcome.instance;
    link.reached = true;
    link.addresses.clear();
    link.now = peer_link::phase::live;
    link.connection->now = link::connection::phase::live;
    link.payload_bytes_max = welcome.payload_bytes_max;
    link.in_flight_max = welcome.in_flight_max == 0
                             ? link_limits::calls_max
                             : std::min<std::size_t>(link_limits::calls_max, welcome.in_flight_max);
    link.pause.reset();
    link.pings.sent_ns = now_ns;
    wire::append(link.out, wire::ping{0});
    appended(link);
    log().debug("link up", {{"node", link.name}, {"endpoint", link.endpoint}});
    if (listener_ != nullptr && !listener_->link_up(link, welcome.cluster))
        give_up(link, "it is of no use");
}

void links::goaway(peer_link& link, const wire::goaway& envelope) {
    const auto code = errc_from_number(envelope.code);
    if (link.now == peer_link::phase::greeting) {
        link.refused = code != errc::unavailable;
        return give_up(link, std::string(envelope.detail));
    }
    if (code == errc::unauthenticated)
        return give_up(link, "it does not know us: " + std::string(envelope.detail));
    link.now = peer_link::phase::leaving;
    user_.standing_changed(link);
}

void links::read_catalog(peer_link& link, wire::item_list functions, std::int64_t now_ns) {
    const auto& part = functions.part;
    if (part.total > link_limits::catalog_max)
        return give_up(link, "it says that it serves " + std::to_string(part.total) +
                                 " functions, the most is " +
                                 std::to_string(link_limits::catalog_max));
    if (part.first == 0) link.incoming.clear();
    if (part.first != link.incoming.size()) return;  // a part is missing: wait for a whole list
    for (wire::catalog_item each; take(functions, each);) {
        auto& added = link.incoming.emplace_back();
        added.name = each.name;
        added.module_version = each.module_version;
        added.idempotent = (each.flags & wire::catalog_flags::idempotent) != 0;
        added.key_field = each.key_field;
        added.space = each.space;
    }
    if (link.incoming.size() > part.total)
        return give_up(link, "it lists more functions than it says there are");
    if (link.incoming.size() != part.total) return;
    user_.catalog_arrived(link, now_ns);
}

}  // namespace dunlin::runtime
