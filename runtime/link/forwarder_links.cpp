// SPDX-License-Identifier: Apache-2.0
//
// How links come and go, and the routes that follow from what they serve.
#include "client/checks.hpp"
#include "runtime/link/forwarder.hpp"
#include "runtime/log.hpp"
#include "runtime/router/function_registry.hpp"
#include "support/address_resolver.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace dunlin::runtime {

namespace {

constexpr std::int64_t never_ns = std::numeric_limits<std::int64_t>::max();
/// How often the round trip is measured.
constexpr std::int64_t ping_every_ns = 1'000'000'000;
/// What a hop is taken to cost until it has been measured.
constexpr std::int64_t rtt_assumed_ns = 200'000;
/// How long a link waits for a name server before it tries again; the answer may come later.
constexpr std::int64_t look_up_ns_max = 5'000'000'000;

link::connection::time_point time_point_of(std::int64_t ns) {
    return link::connection::time_point(std::chrono::nanoseconds(ns));
}
std::int64_t ns_of(link::connection::time_point at) {
    return at.time_since_epoch() / std::chrono::nanoseconds(1);
}

constexpr std::string_view own_functions = "dunlin/";
constexpr const char* no_member = "it is not a member any more";

}  // namespace

forwarder::forwarder(zmq::context_t& context, const function_registry& functions, ledger& calls,
                     forward_host& host, link_counters& counters, forwarder_options options)
    : context_(context),
      functions_(functions),
      calls_(calls),
      host_(host),
      counters_(counters),
      options_(std::move(options)),
      spread_(options_.seed) {
    connecting_.client_name = options_.node_name;
    connecting_.cluster = options_.cluster;
    connecting_.features = wire::features::cluster;
    connecting_.role = wire::peer_role::node;
    connecting_.instance = options_.instance;
    connecting_.greet_timeout = std::chrono::milliseconds(2000);
}

forwarder::~forwarder() = default;

const cluster::candidate& peer_link::load_of(const remote_function& which) noexcept {
    return which.route->candidates[which.place];
}

peer_link* forwarder::find(std::uint64_t instance) noexcept {
    if (instance == 0) return nullptr;
    for (auto& link : links_)
        if (link->instance == instance) return link.get();
    return nullptr;
}

peer_link& forwarder::add_link(std::string endpoint, std::int64_t now_ns) {
    auto& added = *links_.emplace_back(std::make_unique<peer_link>());
    added.endpoint = std::move(endpoint);
    added.try_at_ns = now_ns;
    added.pause = {link_limits::pause_min, link_limits::pause_max, options_.seed + links_added_++};
    return added;
}

void forwarder::set_view(std::shared_ptr<const cluster_view> view, std::int64_t now_ns) {
    view_ = std::move(view);
    std::unordered_map<std::uint64_t, peer_link*> known;
    for (auto& link : links_)
        if (link->instance != 0) known.emplace(link->instance, link.get());
    std::unordered_set<std::uint64_t> members;
    for (const auto& member : view_->members) {
        members.insert(member.instance);
        if (member.instance == options_.instance || member.endpoints.empty()) continue;
        const auto found = known.find(member.instance);
        auto* link = found == known.end() ? nullptr : found->second;
        if (link == nullptr) {
            link = &add_link(member.endpoints[options_.lane % member.endpoints.size()], now_ns);
            link->instance = member.instance;
            link->name = member.name;
        }
        link->member = true;
        link->gone = false;
        link->draining = member.draining;
        set_standing(*link);
    }
    for (auto& link : links_) {
        if (!link->member || members.count(link->instance) != 0) continue;
        link->member = false;
        // What is read here may have come on the link of another lane, and be ahead of the answers
        // on this one, which a node that leaves sends before it says that it has left.
        link->gone = link->leaves() && link->in_flight != 0;
        if (!link->gone) give_up(*link, no_member);
    }
    std::vector<cluster::key_owners::member> owners;
    for (const auto& each : view_->members)
        owners.push_back({each.instance, each.name, each.draining, each.serves});
    owners_.assign(std::move(owners));
    send_waiting(now_ns);
}

void forwarder::use_keys(std::vector<std::shared_ptr<const security::client_keys>> keys) {
    keys_ = std::move(keys);
    for (auto& link : links_) {
        if (link->connection == nullptr || link->connection->node_public_key().empty()) continue;
        const bool allowed = std::any_of(keys_.begin(), keys_.end(), [&](const auto& each) {
            return each->node_public_key == link->connection->node_public_key();
        });
        if (!allowed) give_up(*link, "its key is not allowed any more");
    }
}

void forwarder::reach(const std::string& endpoint, std::int64_t now_ns) {
    for (const auto& link : links_)
        if (link->endpoint == endpoint) return;
    static_cast<void>(add_link(endpoint, now_ns));
}

// Names are not for ZeroMQ: it would look them up on the thread that moves all its messages.
void forwarder::look_up_or_connect(peer_link& link, std::int64_t now_ns) {
    if (support::is_numeric(link.endpoint)) return connect(link, link.endpoint, now_ns);
    if (link.addresses.empty()) {
        link.now = peer_link::phase::looking;
        link.look_until_ns = now_ns + look_up_ns_max;
        return host_.look_up(link.endpoint);
    }
    const auto address = std::move(link.addresses.back());
    link.addresses.pop_back();
    connect(link, address, now_ns);
}

void forwarder::found_addresses(const std::string& endpoint,
                                const std::vector<std::string>& addresses,
                                const std::string& problem, std::int64_t now_ns) {
    for (auto& link : links_) {
        // One that was given up meanwhile has them for its next attempt.
        const bool looks = link->now == peer_link::phase::looking;
        const bool waits = link->now == peer_link::phase::waiting;
        if (link->endpoint != endpoint || !(looks || waits) || link->lost) continue;
        if (addresses.empty()) {
            if (looks) give_up(*link, "its host has no address: " + problem);
            continue;
        }
        link->addresses.assign(addresses.rbegin(), addresses.rend());
        if (looks) look_up_or_connect(*link, now_ns);
    }
}

// Nodes that are known from hearsay only and have not answered yet.
std::size_t forwarder::strangers_dialled() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(links_.begin(), links_.end(), [](const auto& link) {
            const bool under_way =
                link->now == peer_link::phase::looking || link->now == peer_link::phase::greeting;
            return under_way && link->stranger();
        }));
}

void forwarder::connect(peer_link& link, const std::string& address, std::int64_t now_ns) {
    link.lost = false;
    link.refused = false;
    link.shook = peer_link::handshake::fine;
    link.keys_refused = false;
    link.redundant = false;
    link.now = peer_link::phase::greeting;
    link.unheard = true;
    if (!keys_.empty()) {
        const auto tries = keys_tried_.find(link.endpoint);
        connecting_.keys = keys_[tries == keys_tried_.end() ? 0 : tries->second % keys_.size()];
    }
    try {
        link.connection = std::make_unique<link::connection>(context_, 0, address, connecting_,
                                                             time_point_of(now_ns));
    } catch (const zmq::error_t& e) {
        give_up(link, e.what());
        if (e.num() != EMFILE || !said_.due("no descriptor", now_ns)) return;
        log().warn(
            "no link to a node can be opened, so nothing is sent there; each takes about five "
            "descriptors for each lane: raise the limit (ulimit -n, or LimitNOFILE of a systemd "
            "unit)",
            {{"node", link.name}, {"endpoint", link.endpoint}, {"links", links_.size()}});
    }
}

void forwarder::give_up(peer_link& link, std::string why) {
    if (std::exchange(link.lost, true)) return;
    link.lost_why = std::move(why);
    any_lost_ = true;
}

std::int64_t forwarder::advance(std::int64_t now_ns) {
    std::int64_t next_ns = never_ns;
    bool put_off = false;
    std::optional<std::size_t> strangers;  // counted when it matters
    coming_up_ = 0;
    const auto first = first_dialled_ < links_.size() ? first_dialled_ : 0;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        const auto at = first + i < links_.size() ? first + i : first + i - links_.size();
        auto& link = *links_[at];
        if (link.gone && link.in_flight == 0) give_up(link, no_member);
        if (link.lost) continue;
        coming_up_ += link.comes_up() ? 1 : 0;
        switch (link.now) {
            case peer_link::phase::waiting: {
                const bool stranger = link.stranger();
                if (link.try_at_ns > now_ns) {
                    next_ns = std::min(next_ns, link.try_at_ns);
                    break;
                }
                if (stranger && !strangers) strangers = strangers_dialled();
                if (stranger && !dials_.take(*strangers, now_ns)) {
                    if (!std::exchange(put_off, true)) first_dialled_ = at;
                    next_ns = std::min(next_ns, dial_limits::again_ns(now_ns));
                } else {
                    if (stranger) ++*strangers;
                    look_up_or_connect(link, now_ns);
                    if (link.lost) break;
                    next_ns = std::min(next_ns, link.now == peer_link::phase::looking
                                                    ? link.look_until_ns
                                                    : ns_of(link.connection->greet_by()));
                }
                break;
            }
            case peer_link::phase::looking:
                if (link.look_until_ns <= now_ns)
                    give_up(link, "the name server has not answered for its host yet");
                else
                    next_ns = std::min(next_ns, link.look_until_ns);
                break;
            case peer_link::phase::greeting:
                if (ns_of(link.connection->greet_by()) <= now_ns)
                    link.connection->give_up_greeting(time_point_of(now_ns));
                else
                    next_ns = std::min(next_ns, ns_of(link.connection->greet_by()));
                break;
            case peer_link::phase::live:
                ask_if_due(link, now_ns);
                next_ns = std::min(next_ns, link.pulse.next_ns());
                break;
            case peer_link::phase::leaving:
                // As long as it is a member the membership says whether it lives.
                if (!link.gone) break;
                ask_if_due(link, now_ns);
                next_ns = std::min(next_ns, link.pulse.next_ns());
                break;
        }
        if (link.connection != nullptr && !link.connection->problem().empty())
            give_up(link, link.connection->problem());
    }
    end_waiting(now_ns);
    if (!any_lost_) return std::min(next_ns, waiting_.next_ns());
    close_lost(now_ns);
    return now_ns;  // when to try them again is found in the next turn
}

void forwarder::ping(peer_link& link, std::int64_t now_ns) {
    if (link.ping_sent_ns != 0) return;
    link.ping_sent_ns = now_ns;
    link.ping_due_ns = now_ns + ping_every_ns;
    wire::append(link.out, wire::ping{0});
    count_envelope(link);
}

void forwarder::ask_if_due(peer_link& link, std::int64_t now_ns) {
    if (link.ping_due_ns <= now_ns) ping(link, now_ns);
    const bool was_late = link.pulse.late();
    const auto found = link.pulse.look(link.in_flight != 0, now_ns);
    if (found == cluster::pulse::verdict::ping) {
        static_cast<void>(link.connection->moved());  // from here on
        ping(link, now_ns);
    } else if (found != cluster::pulse::verdict::well && link.connection->moved()) {
        link.pulse.heard(now_ns);
    } else if (found == cluster::pulse::verdict::silent) {
        give_up(link, "it does not answer, and the connection is silent");
    }
    if (link.pulse.late() == was_late) return;
    set_standing(link);
    log().debug(was_late ? "link answers again" : "link does not answer", {{"node", link.name}});
}

void forwarder::read_events() {
    for (auto& link : links_)
        if (link->connection != nullptr) link->connection->read_events();
}

void forwarder::close_lost(std::int64_t now_ns) {
    any_lost_ = false;
    for (std::size_t i = 0; i < links_.size(); ++i)
        if (links_[i]->lost) close(*links_[i], now_ns);
    std::erase_if(links_, [](const auto& link) {
        return link->now == peer_link::phase::waiting && !link->member;
    });
}

void forwarder::close(peer_link& link, std::int64_t now_ns) {
    const bool was_up =
        link.now != peer_link::phase::greeting && link.now != peer_link::phase::looking;
    const bool said_goaway = link.now == peer_link::phase::leaving;
    log().debug("link lost", {{"node", link.name},
                              {"endpoint", link.endpoint},
                              {"why", link.lost_why},
                              {"calls", link.in_flight}});
    std::erase(dirty_, &link);
    link.dirty = false;
    link.out.clear();
    link.out_envelopes = 0;
    link.out_dated_ns = 0;
    if (link.connection != nullptr && link.connection->failed_in_handshake()) {
        link.shook = try_next_key(link.endpoint);
        link.keys_refused = link.connection->keys_refused();
    }
    link.connection.reset();
    link.failed = true;
    link.now = peer_link::phase::waiting;
    link.lost = false;
    link.pulse = cluster::pulse{link_limits::patience};
    link.ping_sent_ns = 0;
    link.try_at_ns = now_ns + pause_before(link);
    for (auto& function : link.catalog)
        if (function.route != nullptr) function.route->open[function.place] = false;
    if (link.in_flight != 0) {
        calls_.for_each_open([&](ledger_entry& entry) {
            if (entry.via == &link) lost(entry, link, said_goaway, now_ns);
        });
    }
    drop_catalog(link);
    if (listener_ == nullptr || link.redundant) return;
    if (was_up)
        listener_->link_lost(link);
    else
        listener_->link_failed(link, link.lost_why, link.refused);
}

std::int64_t forwarder::pause_before(peer_link& link) {
    const std::chrono::nanoseconds pause = link.pause.next();
    const bool same_again = link.stranger() && link.shook == peer_link::handshake::fine;
    return (same_again ? std::max<std::chrono::nanoseconds>(pause, link_limits::stranger_pause_min)
                       : pause)
        .count();
}

peer_link::handshake forwarder::try_next_key(const std::string& endpoint) {
    constexpr std::size_t endpoints_max = 1024;
    if (keys_.size() < 2) return peer_link::handshake::failed_with_all_keys;
    if (keys_tried_.size() >= endpoints_max) keys_tried_.clear();
    const bool all = ++keys_tried_[endpoint] % keys_.size() == 0;
    return all ? peer_link::handshake::failed_with_all_keys : peer_link::handshake::failed;
}

// -- routes ----------------------------------------------------------------------------------

void forwarder::set_standing(peer_link& link) {
    const bool open = link.live() && !link.draining;
    for (auto& function : link.catalog) {
        if (function.route == nullptr) continue;
        function.route->open[function.place] = open;
        function.route->late[function.place] = link.pulse.late();
        function.route->candidates[function.place].rtt_ns =
            link.rtt_ns == 0 ? rtt_assumed_ns : link.rtt_ns;
    }
}

void forwarder::take_catalog(peer_link& link, std::int64_t now_ns) {
    for (auto& function : link.catalog) {
        // These answer for the node that is asked, whichever that is.
        if (function.name.starts_with(own_functions)) continue;
        auto& route = routes_.find_or_make(function.name, [&] {
            return std::make_unique<function_route>(function.name, functions_.find(function.name),
                                                    options_.seed);
        });
        function.route = &route;
        function.place = route.add(link, function.idempotent, now_ns);
    }
    set_standing(link);
    send_waiting(now_ns);
}

void forwarder::drop_catalog(peer_link& link) noexcept {
    for (auto& function : link.catalog)
        if (function.route != nullptr) function.route->remove(function.place);
    link.catalog.clear();
}

// -- for the lane ----------------------------------------------------------------------------

void forwarder::add_poll_items(std::vector<pollfd>& to) const {
    for (const auto& link : links_) {
        if (link->connection == nullptr) continue;
        to.push_back({link->connection->socket_fd(), POLLIN, 0});
        to.push_back({link->connection->monitor_fd(), POLLIN, 0});
    }
}

void forwarder::polled(std::span<const pollfd> items) {
    std::size_t i = 0;
    for (auto& link : links_) {
        if (link->connection == nullptr) continue;
        link->quiet = items[i].revents == 0;
        if (items[i + 1].revents != 0) link->connection->read_events();
        i += 2;
    }
}

void forwarder::say_bye() {
    flush();
    for (auto& link : links_) {
        drop_catalog(*link);  // routes outlive links
        if (link->connection != nullptr) link->connection->say_bye();
    }
    links_.clear();
}

}  // namespace dunlin::runtime
