// SPDX-License-Identifier: Apache-2.0
//
// What other nodes send on our links: answers, and what they serve and how it goes there.
#include "runtime/link/forwarder.hpp"
#include "runtime/log.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::runtime {

namespace {

constexpr int frames_per_look = 16;
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

bool forwarder::receive(std::int64_t now_ns) {
    bool more = false;
    // What one brings may add another.
    for (std::size_t i = 0; i < links_.size(); ++i) {
        auto& link = *links_[i];
        if (std::exchange(link.quiet, false) || link.connection == nullptr || link.lost) continue;
        more = receive_from(link, now_ns) || more;
    }
    return more;
}

bool forwarder::has_news() {
    bool found = false;
    for (auto& link : links_)
        if (std::exchange(link->unheard, false) && link->connection != nullptr)
            found = link->connection->readable() || found;
    return found;
}

bool forwarder::receive_from(peer_link& link, std::int64_t now_ns) {
    link.unheard = false;
    for (int frames = 0; frames < frames_per_look; ++frames) {
        const auto frame = link.connection->receive();
        if (!frame) return false;
        counters_.frames_received.add();
        const bool was_late = link.pulse.late();
        link.pulse.heard(now_ns);
        if (was_late) set_standing(link);
        if (!frame->one_part())
            give_up(link, "it sent a message of several parts");
        else
            read_frame(link, frame->view(), now_ns);
        if (link.lost) return false;
    }
    return true;
}

void forwarder::read_frame(peer_link& link, bytes_view frame, std::int64_t now_ns) {
    wire::frame_reader reader(frame);
    while (!link.lost) {
        switch (reader.next()) {
            case wire::read_status::end: return;
            case wire::read_status::skipped: continue;
            case wire::read_status::malformed:
                counters_.frames_malformed.add();
                return give_up(link, std::string("it sent a malformed frame: ") + reader.problem());
            case wire::read_status::envelope: break;
        }
        switch (reader.kind()) {
            case wire::kind::reply:
                if (auto* entry = find(link, reader.reply().id); entry != nullptr) {
                    judge(*entry, nullptr, now_ns);
                    detach(*entry);
                    host_.forwarded_value(*entry, reader.reply().payload);
                } else {
                    counters_.answers_late.add();
                }
                break;
            case wire::kind::failure: {
                const auto& failure = reader.failure();
                auto* entry = find(link, failure.id);
                if (entry == nullptr) {
                    if (failure.id != 0) counters_.answers_late.add();
                    break;
                }
                error why{errc_from_number(failure.code), std::string(failure.detail),
                          std::chrono::microseconds(std::min<std::uint64_t>(
                              failure.retry_after_us, std::uint64_t{1} << 50)),
                          failure.did_not_run};
                judge(*entry, &why, now_ns);
                detach(*entry);
                failed(*entry, std::move(why), now_ns);
                break;
            }
            case wire::kind::welcome: welcomed(link, reader.welcome(), now_ns); break;
            case wire::kind::goaway: goaway(link, reader.goaway()); break;
            case wire::kind::catalog: read_catalog(link, reader.items(), now_ns); break;
            case wire::kind::load: read_loads(link, reader.items(), now_ns); break;
            case wire::kind::gossip:
                if (listener_ != nullptr && link.instance != 0)
                    listener_->heard(link.instance, reader.gossip().message);
                break;
            case wire::kind::ping:
                wire::append(link.out, wire::pong{reader.id_or_token()});
                count_envelope(link);
                break;
            case wire::kind::pong:
                if (link.ping_sent_ns == 0) break;
                if (listener_ != nullptr) listener_->round_trip(link, now_ns - link.ping_sent_ns);
                link.rtt_ns =
                    link.rtt_ns == 0
                        ? now_ns - link.ping_sent_ns
                        : link.rtt_ns + (now_ns - link.ping_sent_ns - link.rtt_ns) / rtt_weight;
                link.ping_sent_ns = 0;
                set_standing(link);
                break;
            default: break;  // what is for clients
        }
    }
}

void forwarder::welcomed(peer_link& link, const wire::welcome& welcome, std::int64_t now_ns) {
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
    link.ping_sent_ns = now_ns;
    wire::append(link.out, wire::ping{0});
    count_envelope(link);
    log().debug("link up", {{"node", link.name}, {"endpoint", link.endpoint}});
    if (listener_ != nullptr && !listener_->link_up(link, welcome.cluster))
        give_up(link, "it is of no use");
}

void forwarder::goaway(peer_link& link, const wire::goaway& envelope) {
    const auto code = errc_from_number(envelope.code);
    if (link.now == peer_link::phase::greeting) {
        link.refused = code != errc::unavailable;
        return give_up(link, std::string(envelope.detail));
    }
    if (code == errc::unauthenticated)
        return give_up(link, "it does not know us: " + std::string(envelope.detail));
    link.now = peer_link::phase::leaving;
    set_standing(link);
}

void forwarder::read_catalog(peer_link& link, wire::item_list functions, std::int64_t now_ns) {
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
    }
    if (link.incoming.size() > part.total)
        return give_up(link, "it lists more functions than it says there are");
    if (link.incoming.size() != part.total) return;
    drop_catalog(link);
    link.catalog = std::exchange(link.incoming, {});
    take_catalog(link, now_ns);
}

void forwarder::read_loads(peer_link& link, wire::item_list loads, std::int64_t now_ns) {
    constexpr auto ns_max = static_cast<std::uint64_t>(std::int64_t{1} << 50);
    for (wire::load_item each; take(loads, each);) {
        if (each.function >= link.catalog.size()) continue;
        const auto& function = link.catalog[each.function];
        if (function.route == nullptr) continue;
        function.route->candidates[function.place].learn(
            {static_cast<std::int64_t>(std::min(each.wait_ns, ns_max)),
             static_cast<std::int64_t>(std::min(each.step_ns, ns_max)), each.idle,
             static_cast<float>(std::min(each.busy_permille, 1000u)) / 1000.0F},
            0, now_ns);
    }
}

void forwarder::heard_load(std::uint64_t from, wire::item_list loads, std::int64_t now_ns) {
    if (auto* link = find(from); link != nullptr) read_loads(*link, loads, now_ns);
}

}  // namespace dunlin::runtime
