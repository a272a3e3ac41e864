// SPDX-License-Identifier: Apache-2.0
//
// How links come and go, and the routes that follow from what they serve.
#include "runtime/link/links.hpp"

#include "client/checks.hpp"
#include "runtime/log.hpp"
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
/// How long a link waits for a name server before it tries again; the answer may come later.
constexpr std::int64_t look_up_ns_max = 5'000'000'000;

link::connection::time_point time_point_of(std::int64_t ns) {
    return link::connection::time_point(std::chrono::nanoseconds(ns));
}
std::int64_t ns_of(link::connection::time_point at) {
    return at.time_since_epoch() / std::chrono::nanoseconds(1);
}

/// A frame that holds this much leaves at once; see outlet.cpp, which does the same with answers.
constexpr std::uint32_t frame_envelopes_cut = 256;
constexpr std::size_t frame_bytes_cut = 64 * 1024;

constexpr const char* no_member = "it is not a member any more";

// Nodes that are known from hearsay only and have not answered yet.
std::size_t strangers_dialled(const std::vector<std::unique_ptr<peer_link>>& all) noexcept {
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const auto& link) {
        const bool under_way =
            link->now == peer_link::phase::looking || link->now == peer_link::phase::greeting;
        return under_way && link->stranger();
    }));
}

// Others may have told of a node's end before this one has read that the connection was closed.
bool nothing_was_closed(link::connection& to) {
    to.read_events();
    return to.problem().empty();
}

}  // namespace

links::links(zmq::context_t& context, link_user& user, link_counters& counters,
             link_options options)
    : context_(context),
      user_(user),
      counters_(counters),
      options_(std::move(options)) {
    connecting_.client_name = options_.node_name;
    connecting_.cluster = options_.cluster;
    connecting_.features = wire::features::cluster;
    connecting_.role = wire::peer_role::node;
    connecting_.instance = options_.instance;
    connecting_.greet_timeout = std::chrono::milliseconds(2000);
}

links::~links() = default;

peer_link* links::find(std::uint64_t instance) noexcept {
    if (instance == 0) return nullptr;
    for (auto& link : links_)
        if (link->instance == instance) return link.get();
    return nullptr;
}

peer_link& links::add_link(std::string endpoint, std::int64_t now_ns) {
    auto& added = *links_.emplace_back(std::make_unique<peer_link>());
    added.endpoint = std::move(endpoint);
    added.try_at_ns = now_ns;
    added.pause = {link_limits::pause_min, link_limits::pause_max, options_.seed + links_added_++};
    return added;
}

void links::set_members(const cluster_view& view, std::int64_t now_ns) {
    std::unordered_map<std::uint64_t, peer_link*> known;
    for (auto& link : links_)
        if (link->instance != 0) known.emplace(link->instance, link.get());
    std::unordered_set<std::uint64_t> members;
    for (const auto& member : view.members) {
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
        user_.standing_changed(*link);
    }
    for (auto& link : links_) {
        if (!link->member || members.count(link->instance) != 0) continue;
        link->member = false;
        // What is read here may have come on the link of another lane, and be ahead of the answers
        // on this one, which a node that leaves sends before it says that it has left.
        link->gone = link->leaves() && link->in_flight != 0;
        if (link->gone) continue;
        if (link->connection != nullptr)
            link->lost_by.silent = nothing_was_closed(*link->connection);
        give_up(*link, no_member);
    }
}

void links::use_keys(std::vector<key_choice::keys_ptr> keys) {
    keys_.use(std::move(keys));
    for (auto& link : links_) {
        if (link->connection == nullptr) continue;
        const auto key = link->connection->node_public_key();
        if (!key.empty() && !keys_.allows(key)) give_up(*link, "its key is not allowed any more");
    }
}

void links::reach(const std::string& endpoint, std::int64_t now_ns) {
    for (const auto& link : links_)
        if (link->endpoint == endpoint) return;
    static_cast<void>(add_link(endpoint, now_ns));
}

// Names are not for ZeroMQ: it would look them up on the thread that moves all its messages.
void links::look_up_or_connect(peer_link& link, std::int64_t now_ns) {
    if (support::is_numeric(link.endpoint)) return connect(link, link.endpoint, now_ns);
    if (link.addresses.empty()) {
        link.now = peer_link::phase::looking;
        link.look_until_ns = now_ns + look_up_ns_max;
        return user_.look_up(link.endpoint);
    }
    const auto address = std::move(link.addresses.back());
    link.addresses.pop_back();
    connect(link, address, now_ns);
}

void links::found_addresses(const std::string& endpoint, const std::vector<std::string>& addresses,
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

void links::connect(peer_link& link, const std::string& address, std::int64_t now_ns) {
    link.lost = false;
    link.refused = false;
    link.shook = peer_link::handshake::fine;
    link.keys_refused = false;
    link.redundant = false;
    link.now = peer_link::phase::greeting;
    link.unheard = true;
    if (auto keys = keys_.for_node_at(link.endpoint)) connecting_.keys = std::move(keys);
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

void links::give_up(peer_link& link, std::string why) {
    if (std::exchange(link.lost, true)) return;
    link.lost_by.why = std::move(why);
    any_lost_ = true;
}

std::int64_t links::advance(std::int64_t now_ns) {
    std::int64_t next_ns = never_ns;
    dial_round dialling;
    coming_up_ = 0;
    const auto first = first_dialled_ < links_.size() ? first_dialled_ : 0;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        dialling.at = first + i < links_.size() ? first + i : first + i - links_.size();
        auto& link = *links_[dialling.at];
        if (link.gone && link.in_flight == 0) give_up(link, no_member);
        if (link.lost) continue;
        coming_up_ += link.comes_up() ? 1 : 0;
        next_ns = std::min(next_ns, advance(link, dialling, now_ns));
        if (link.connection != nullptr && !link.connection->problem().empty())
            give_up(link, link.connection->problem());
    }
    if (!any_lost_) return next_ns;
    close_lost(now_ns);
    return now_ns;  // when to try them again is found in the next turn
}

std::int64_t links::advance(peer_link& link, dial_round& dialling, std::int64_t now_ns) {
    switch (link.now) {
        case peer_link::phase::waiting:
            return link.try_at_ns > now_ns ? link.try_at_ns : dial(link, dialling, now_ns);
        case peer_link::phase::looking:
            if (link.look_until_ns > now_ns) return link.look_until_ns;
            give_up(link, "the name server has not answered for its host yet");
            return never_ns;
        case peer_link::phase::greeting: {
            const auto until_ns = ns_of(link.connection->greet_by());
            if (until_ns > now_ns) return until_ns;
            link.connection->give_up_greeting(time_point_of(now_ns));
            return never_ns;
        }
        case peer_link::phase::leaving:
            // As long as it is a member the membership says whether it lives.
            if (!link.gone) return never_ns;
            break;
        case peer_link::phase::live: break;
    }
    ask_if_due(link, now_ns);
    return link.pulse.next_ns();
}

std::int64_t links::dial(peer_link& link, dial_round& round, std::int64_t now_ns) {
    if (link.stranger()) {
        if (!round.strangers) round.strangers = strangers_dialled(links_);
        if (!dials_.take(*round.strangers, now_ns)) {
            if (!std::exchange(round.put_off, true)) first_dialled_ = round.at;
            return dial_limits::again_ns(now_ns);
        }
        ++*round.strangers;
    }
    look_up_or_connect(link, now_ns);
    if (link.lost) return never_ns;
    return link.now == peer_link::phase::looking ? link.look_until_ns
                                                 : ns_of(link.connection->greet_by());
}

void links::ping(peer_link& link, std::int64_t now_ns) {
    if (link.pings.sent_ns != 0) return;
    link.pings.sent_ns = now_ns;
    link.pings.due_ns = now_ns + ping_every_ns;
    wire::append(link.out, wire::ping{0});
    appended(link);
}

void links::ask_if_due(peer_link& link, std::int64_t now_ns) {
    if (link.pings.due_ns <= now_ns) ping(link, now_ns);
    const bool was_late = link.pulse.late();
    const auto found = link.pulse.look(link.in_flight != 0, now_ns);
    if (found == cluster::pulse::verdict::ping) {
        static_cast<void>(link.connection->moved());  // from here on
        ping(link, now_ns);
    } else if (found != cluster::pulse::verdict::well && link.connection->moved()) {
        link.pulse.moved(now_ns);
    } else if (found == cluster::pulse::verdict::silent) {
        link.lost_by.silent = true;
        give_up(link, "it does not answer, and the connection is silent");
    }
    if (link.pulse.late() == was_late) return;
    user_.standing_changed(link);
    log().debug(was_late ? "link answers again" : "link does not answer", {{"node", link.name}});
}

void links::read_events() {
    for (auto& link : links_)
        if (link->connection != nullptr) link->connection->read_events();
}

void links::close_lost(std::int64_t now_ns) {
    any_lost_ = false;
    for (std::size_t i = 0; i < links_.size(); ++i)
        if (links_[i]->lost) close(*links_[i], now_ns);
    std::erase_if(links_, [](const auto& link) {
        return link->now == peer_link::phase::waiting && !link->member;
    });
}

void links::close(peer_link& link, std::int64_t now_ns) {
    const bool was_up =
        link.now != peer_link::phase::greeting && link.now != peer_link::phase::looking;
    const bool said_goaway = link.now == peer_link::phase::leaving;
    log().debug("link lost", {{"node", link.name},
                              {"endpoint", link.endpoint},
                              {"why", link.lost_by.why},
                              {"calls", link.in_flight}});
    std::erase(dirty_, &link);
    link.dirty = false;
    link.out.clear();
    link.out_envelopes = 0;
    link.out_dated_ns = 0;
    if (link.connection != nullptr && link.connection->failed_in_handshake()) {
        link.shook = keys_.was_wrong(link.endpoint) ? peer_link::handshake::failed_with_all_keys
                                                    : peer_link::handshake::failed;
        link.keys_refused = link.connection->keys_refused();
    }
    link.connection.reset();
    link.failed = true;
    link.now = peer_link::phase::waiting;
    link.lost = false;
    link.pings.sent_ns = 0;
    link.try_at_ns = now_ns + link.next_pause_ns();
    user_.connection_lost(link, said_goaway, now_ns);
    link.lost_by.silent = false;
    link.pulse = cluster::pulse{link_limits::patience};
    if (listener_ == nullptr || link.redundant) return;
    if (was_up)
        listener_->link_lost(link);
    else
        listener_->link_failed(link, link.lost_by.why, link.refused);
}

// -- for the lane ----------------------------------------------------------------------------

void links::add_poll_items(std::vector<pollfd>& to) const {
    for (const auto& link : links_) {
        if (link->connection == nullptr) continue;
        to.push_back({link->connection->socket_fd(), POLLIN, 0});
        to.push_back({link->connection->monitor_fd(), POLLIN, 0});
    }
}

void links::polled(std::span<const pollfd> items) {
    std::size_t i = 0;
    for (auto& link : links_) {
        if (link->connection == nullptr) continue;
        link->quiet = items[i].revents == 0;
        if (items[i + 1].revents != 0) link->connection->read_events();
        i += 2;
    }
}

void links::say_bye() {
    flush();
    for (auto& link : links_) {
        user_.forget(*link);
        if (link->connection != nullptr) link->connection->say_bye();
    }
    links_.clear();
}

// -- sending ---------------------------------------------------------------------------------

void links::appended(peer_link& link) {
    if (!std::exchange(link.dirty, true)) dirty_.push_back(&link);
    ++link.out_envelopes;
    if (link.out_envelopes >= frame_envelopes_cut || link.out.size >= frame_bytes_cut) flush(link);
}

void links::flush(peer_link& link) {
    link.out_envelopes = 0;
    link.out_dated_ns = 0;
    if (link.out.empty() || link.connection == nullptr) return link.out.clear();
    link.connection->send(link.out);
    link.unheard = true;
    link.out.clear();
    if (!link.connection->problem().empty()) give_up(link, link.connection->problem());
}

void links::flush() {
    for (auto* link : dirty_) {
        link->dirty = false;
        flush(*link);
    }
    dirty_.clear();
}

bool links::send_gossip(std::uint64_t to, bytes_view message) {
    auto* link = find(to);
    if (link == nullptr || link->connection == nullptr || link->lost ||
        link->now == peer_link::phase::greeting)
        return false;
    wire::append(link->out, wire::gossip{message});
    appended(*link);
    return true;
}

}  // namespace dunlin::runtime
