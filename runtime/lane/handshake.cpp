// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/handshake.hpp"

#include "runtime/log.hpp"

#include <utility>

namespace dunlin::runtime {

namespace {

/// Appends a list in parts that keep to the limits of one envelope; `item_at(i)` makes the items,
/// `appended()` is called after each part. An empty list is one part, too.
template <class Item, class Make, class Appended>
void append_in_parts(wire::frame_buffer& out, std::uint64_t view, std::size_t total,
                     const Make& item_at, const Appended& appended) {
    std::vector<Item> part;
    std::size_t first = 0;
    std::size_t bytes = 0;
    const auto append_part = [&] {
        wire::append(out,
                     wire::list_part{view, static_cast<std::uint32_t>(first),
                                     static_cast<std::uint32_t>(total)},
                     part);
        first += part.size();
        part.clear();
        bytes = 0;
        appended();
    };
    for (std::size_t i = 0; i < total; ++i) {
        const Item item = item_at(i);
        const auto size = bytes_max(item);
        if (part.size() == wire::items_max ||
            (!part.empty() && bytes + size > wire::list_bytes_max))
            append_part();
        bytes += size;
        part.push_back(item);
    }
    if (!part.empty() || first == 0) append_part();
}

}  // namespace

handshake::handshake(outlet& out, connection_keeper& keeper, const load_reporter& loads,
                     lane_counters& counters, const std::shared_ptr<const cluster_view>& view,
                     const std::int64_t& now_ns, options how)
    : outlet_(out),
      keeper_(keeper),
      loads_(loads),
      counters_(counters),
      view_(view),
      now_ns_(now_ns),
      options_(std::move(how)) {}

peer* handshake::greet(std::string_view routing_id, const wire::hello& hello, const sender& by) {
    auto rights = judge(hello, by.key);
    if (!rights) {
        counters_.connections_refused.add();
        refuse(routing_id, rights.error().detail);
        return nullptr;
    }
    auto& added = outlet_.peers().add(routing_id);
    added.name = hello.name;
    added.role = hello.role;
    added.instance = hello.role == wire::peer_role::node ? hello.instance : 0;
    added.wants_cluster = (hello.features & wire::features::cluster) != 0;
    added.retries = cluster::retry_budget(now_ns_);
    added.heard_ns = now_ns_;
    keeper_.attach(added, by.fd);
    added.rights = std::move(*rights);
    added.count_by_rights();
    counters_.peers_connected.add();
    log().debug("peer connected", {{"name", added.name}, {"role", static_cast<int>(added.role)}});
    welcome(added);
    return &added;
}

result<std::unique_ptr<peer_rights>> handshake::judge(const wire::hello& hello,
                                                      std::string_view key) const {
    if (hello.version_min > wire::protocol_version || hello.version_max < wire::protocol_version) {
        const auto own = std::to_string(wire::protocol_version);
        return error{errc::unauthenticated,
                     "no common protocol version: this node speaks " + own + " to " + own +
                         ", the peer " + std::to_string(hello.version_min) + " to " +
                         std::to_string(hello.version_max) +
                         "; run releases of Dunlin on both that share a version"};
    }
    std::unique_ptr<peer_rights> rights;
    if (authorizer_ != nullptr) {
        auto granted = authorizer_->rights_of(hello, key);
        if (!granted) return granted;
        rights = std::move(*granted);
    }
    if (!hello.cluster.empty() && hello.cluster != options_.cluster)
        return error{errc::unauthenticated, "this node belongs to the cluster \"" +
                                                options_.cluster + "\", not to \"" +
                                                std::string(hello.cluster) + "\""};
    if (hello.role != wire::peer_role::node) return rights;
    if (hello.instance != 0 && hello.instance == options_.instance)
        return error{errc::unauthenticated, std::string(itself_text)};
    if (membership_ != nullptr)
        if (auto known = membership_->admit(hello); !known) return std::move(known.error());
    return rights;
}

// A node gossips over one connection. One that did so before is of no use any more, even if nothing
// has told us yet: after a cut the transport may take long to notice.
void handshake::begin_gossip(peer& from) {
    outlet_.peers().for_each([&](peer& each) {
        if (each.instance == from.instance) each.gossips = false;
    });
    from.gossips = true;
}

void handshake::welcome(peer& to) {
    wire::welcome welcome;
    welcome.features = to.wants_cluster ? wire::features::cluster : 0;
    welcome.node = options_.node_name;
    welcome.cluster = options_.cluster;
    welcome.instance = options_.instance;
    welcome.payload_bytes_max = options_.payload_bytes_max;
    welcome.in_flight_max = options_.in_flight_max;
    for (const auto& endpoint : endpoints_) {
        if (welcome.endpoint_count == wire::endpoints_max) break;
        welcome.endpoints[welcome.endpoint_count++] = endpoint;
    }
    outlet_.say(to, welcome);
    if (to.wants_cluster) {
        tell_catalog(to);
        tell_members(to);
    }
    if (draining_) outlet_.say_goaway(to);
}

void handshake::refuse_stranger(std::string_view routing_id, std::string_view problem) {
    counters_.frames_before_hello.add();
    std::string detail = "say hello first";
    // Who has tried to is told what was wrong with it.
    if (problem.starts_with("hello: ")) detail += "; " + std::string(problem);
    refuse(routing_id, detail);
}

void handshake::refuse(std::string_view routing_id, std::string_view detail) {
    peer stranger;
    stranger.routing_id = routing_id;
    wire::append(stranger.out,
                 wire::goaway{static_cast<std::int64_t>(errc::unauthenticated), detail});
    zmq::message_t frame(stranger.out.data, stranger.out.size);
    // Best effort: a stranger whose queue is full hears nothing.
    if (!outlet_.try_send(stranger, frame)) counters_.answers_undeliverable.add();
}

// What a key may not call is nobody's business who has that key.
void handshake::tell_catalog(peer& to) {
    const auto& catalog = loads_.catalog();
    const bool all = to.rights == nullptr || to.role == wire::peer_role::node;
    std::vector<std::uint32_t> told;
    to.places_told.assign(all ? 0 : catalog.size(), peer::not_told);
    to.loads_due.clear();
    for (std::uint32_t place = 0; place < catalog.size(); ++place) {
        if (!all && !to.rights->granted->may_call(catalog[place]->info().name)) continue;
        if (!all) to.places_told[place] = static_cast<std::uint32_t>(told.size());
        told.push_back(place);
    }
    const auto item_at = [&](std::size_t i) {
        const auto& info = catalog[told[i]]->info();
        // What is longer than a version may be on the wire is the author's own affair.
        const auto version = std::string_view(info.module_version).substr(0, wire::name_bytes_max);
        return wire::catalog_item{info.name, version,
                                  info.idempotent() ? wire::catalog_flags::idempotent : 0,
                                  info.key_field, info.space};
    };
    append_in_parts<wire::catalog_item>(to.out, 0, told.size(), item_at,
                                        [&] { outlet_.count_envelope(to); });
}

void handshake::tell_members(peer& to) {
    if (!view_) return;
    const auto item_at = [&](std::size_t i) {
        const auto& member = view_->members[i];
        wire::member_item item;
        item.instance = member.instance;
        item.name = member.name;
        item.draining = member.draining;
        item.tells_serves = member.serves.tells();
        item.serves = member.serves.view();
        for (const auto& endpoint : member.endpoints)
            if (item.endpoint_count < wire::endpoints_max)
                item.endpoints[item.endpoint_count++] = endpoint;
        return item;
    };
    append_in_parts<wire::member_item>(to.out, view_->number, view_->members.size(), item_at,
                                       [&] { outlet_.count_envelope(to); });
}

}  // namespace dunlin::runtime
