// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/membership_cluster.hpp"

#include "runtime/membership/message_codec.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::sim {

using membership::member_state;

namespace {

// Events that are not a timer: the peer is in the low bits, the host above.
constexpr std::uint64_t closed_flag = std::uint64_t{1} << 63;
constexpr std::uint64_t reached_flag = std::uint64_t{1} << 62;

std::uint64_t link_event(std::uint64_t flag, host_id at, host_id peer) {
    return flag | (std::uint64_t{at} << 20) | peer;
}

}  // namespace

membership_cluster::membership_cluster(const cluster_settings& how)
    : network(time, *this, how.hosts, membership::mix(how.seed)),
      settings_(how),
      hosts_(how.hosts) {
    network.quality = how.quality;
    std::vector<membership::record_ptr> records;
    for (host_id at = 0; at < hosts(); ++at) {
        auto& host = hosts_[at];
        auto record = new_record(at);
        records.push_back(record);
        host.node = std::make_unique<membership::swim>(
            how.how, std::move(record), membership::mix(how.seed ^ host.instance), time.now_ns());
    }
    for (host_id at = 0; at < hosts(); ++at) {
        if (how.preloaded) {
            node(at).preload(records);
        } else if (at != 0) {
            node(at).introduce(hosts_[0].instance, time.now_ns());
        }
        after_step(at);
    }
}

membership::record_ptr membership_cluster::new_record(host_id at, wall_clock clock) {
    const auto mark = clock == wall_clock::went_on ? instance_mark : instance_mark >> 1;
    hosts_[at].instance = mark | (++starts_ << host_bits) | at;
    auto record = std::make_shared<membership::member_record>();
    record->instance = hosts_[at].instance;
    record->name = "node-" + std::to_string(at);
    record->endpoints = {"tcp://10.0." + std::to_string(at / 250) + "." +
                         std::to_string(at % 250 + 1) + ":7440"};
    record->version = "0.1.0";
    return record;
}

// -- events ---------------------------------------------------------------------------------------

void membership_cluster::handle(std::uint64_t what) {
    if ((what & (closed_flag | reached_flag)) != 0) {
        const auto peer = static_cast<host_id>(what & 0xf'ffff);
        const auto at = static_cast<host_id>((what & ~(closed_flag | reached_flag)) >> 20);
        if ((what & closed_flag) != 0) {
            connection_closed(at, peer);
        } else {
            introduce(at, peer);
        }
        return;
    }
    const auto at = static_cast<host_id>(what);
    auto& host = hosts_[at];
    if (host.armed_ns <= time.now_ns()) host.armed_ns = never_ns;
    if (host.node == nullptr || host.paused) return;
    if (host.node->next_timer_ns() <= clock_of(host)) host.node->advance(clock_of(host));
    after_step(at);
}

void membership_cluster::connection_closed(host_id at, host_id peer) {
    auto& host = hosts_[at];
    if (host.node == nullptr || host.paused) return;
    for (const auto& each : host.node->snapshot())
        if (host_of(each.record->instance) == peer && !runs(each.record->instance))
            host.node->hint_lost(each.record->instance, clock_of(host));
    after_step(at);
}

void membership_cluster::arrive(host_id to, host_id, membership_parcel& parcel) {
    auto& host = hosts_[to];
    if (host.node == nullptr || host.instance != parcel.to) return;
    host.node->receive(parcel.from, parcel.what, clock_of(host));
    after_step(to);
}

void membership_cluster::after_step(host_id at) {
    auto& host = hosts_[at];
    send_all(at);
    host.node->take_changes(changes_);
    if (on_change)
        for (const auto& each : changes_) on_change(at, each);
    if (settings_.check_views) check(at);
    const auto next_ns = host.node->next_timer_ns() - host.clock_ahead_ns;
    if (next_ns < host.armed_ns) {
        host.armed_ns = std::max(next_ns, time.now_ns());
        time.at(host.armed_ns, *this, at);
    }
}

void membership_cluster::send_all(host_id at) {
    auto& host = hosts_[at];
    host.node->take_outgoing(outgoing_);
    sent.updates_waiting_max = std::max(sent.updates_waiting_max, host.node->updates_waiting());
    for (auto& each : outgoing_) {
        encode(each.what, bytes_);
        ++sent.messages;
        sent.bytes += bytes_.size();
        sent.message_bytes_max = std::max(sent.message_bytes_max, bytes_.size());
        const auto to = host_of(each.to);
        if (hosts_[to].instance != each.to) {
            // The link's handshake tells that another start of the node is at this endpoint.
            if (hosts_[to].node != nullptr && network.can_reach(at, to)) {
                time.at(time.now_ns() + 5'000'000, *this, link_event(reached_flag, at, to));
            }
            continue;
        }
        if (settings_.through_codec) {
            auto read = membership::decode(bytes_);
            if (!read || !*read) {
                violated(at, read ? "a message of an unknown kind" : read.error().detail);
                continue;
            }
            each.what = std::move(**read);
        }
        network.send(at, to, {host.instance, each.to, std::move(each.what)});
    }
}

// -- what always holds ----------------------------------------------------------------------------

void membership_cluster::check(host_id at) {
    auto& host = hosts_[at];
    for (const auto& each : host.node->snapshot()) {
        const auto instance = each.record->instance;
        const auto rank = membership::rank(each.incarnation, each.state);
        auto& known = host.ranks[instance];
        if (rank < known) violated(at, "a statement about " + each.record->name + " went back");
        known = rank;
        if (instance != host.instance) continue;
        if (each.state != (host.leaving ? member_state::left : member_state::alive)) {
            violated(at, "a node believes itself " + std::string(to_string(each.state)));
        }
    }
    const auto& limits = settings_.how;
    if (host.node->updates_waiting() > limits.updates_waiting_max) {
        violated(at, "more updates wait than may");
    }
    // Heads, a whole record before the limit counts, and the digests of a list of 65,536.
    if (sent.message_bytes_max > std::max<std::size_t>(limits.update_bytes_max + 2048, 40'000)) {
        violated(at, "a message of " + std::to_string(sent.message_bytes_max) + " bytes");
    }
}

void membership_cluster::violated(host_id at, const std::string& what) {
    if (violations.size() >= 20) return;
    violations.push_back(std::to_string(time.now_ns() / 1'000'000) + " ms, node-" +
                         std::to_string(at) + ": " + what);
}

bool membership_cluster::converged() const {
    std::size_t running = 0;
    const station* first = nullptr;
    for (const auto& each : hosts_) {
        if (each.node == nullptr || each.leaving) continue;
        ++running;
        if (first == nullptr) first = &each;
        if (each.node->checksum() != first->node->checksum()) return false;
        if (each.node->suspected() != 0) return false;
    }
    if (first == nullptr) return true;
    if (first->node->living() != running) return false;
    return std::all_of(hosts_.begin(), hosts_.end(), [&](const station& each) {
        if (each.node == nullptr || each.leaving) return true;
        const auto seen = first->node->find(each.instance);
        return seen && seen->state == member_state::alive;
    });
}

std::string membership_cluster::views() const {
    std::string text;
    for (host_id at = 0; at < hosts(); ++at) {
        text += "  node-" + std::to_string(at);
        if (hosts_[at].node == nullptr) {
            text += " is down\n";
            continue;
        }
        text += hosts_[at].leaving ? " (leaving) sees" : " sees";
        for (const auto& each : hosts_[at].node->snapshot()) {
            if (!is_living(each.state) && !runs(each.record->instance)) continue;
            const auto start = (each.record->instance & ~instance_mark) >> host_bits;
            text += " " + each.record->name + "/" + std::to_string(start) + ":" +
                    std::string(to_string(each.state)) + "." + std::to_string(each.incarnation);
        }
        text += "\n";
    }
    return text;
}

// -- faults ---------------------------------------------------------------------------------------

void membership_cluster::kill(host_id at, ending how) {
    auto& host = hosts_[at];
    host.node.reset();
    host.ranks.clear();
    host.paused = false;
    host.leaving = false;
    network.set_down(at, true);
    network.resume(at);
    if (how == ending::silent) return;
    for (host_id other = 0; other < hosts(); ++other)
        if (other != at)
            time.at(time.now_ns() + 1'000'000, *this, link_event(closed_flag, other, at));
}

void membership_cluster::start(host_id at, host_id through, wall_clock clock) {
    auto& host = hosts_[at];
    network.set_down(at, false);
    auto record = new_record(at, clock);
    host.clock_ahead_ns = 0;
    host.armed_ns = never_ns;
    host.node = std::make_unique<membership::swim>(settings_.how, std::move(record),
                                                   membership::mix(settings_.seed ^ host.instance),
                                                   time.now_ns());
    introduce(at, through);
}

void membership_cluster::introduce(host_id at, host_id to) {
    auto& host = hosts_[at];
    if (host.node == nullptr || host.paused) return;
    host.node->introduce(hosts_[to].instance, clock_of(host));
    after_step(at);
}

void membership_cluster::pause(host_id at) {
    hosts_[at].paused = true;
    network.pause(at);
}

void membership_cluster::resume(host_id at) {
    if (!hosts_[at].paused) return;
    hosts_[at].paused = false;
    hosts_[at].armed_ns = time.now_ns();
    network.resume(at);
    time.at(time.now_ns(), *this, at);
}

void membership_cluster::move_clock(host_id at, std::int64_t by_ns) {
    auto& host = hosts_[at];
    if (host.node == nullptr) return;
    host.clock_ahead_ns += by_ns;
    host.armed_ns = time.now_ns();
    time.at(time.now_ns(), *this, at);
}

void membership_cluster::drain(host_id at) {
    auto& host = hosts_[at];
    if (host.node == nullptr || host.paused) return;
    host.node->set_draining(clock_of(host));
    after_step(at);
}

void membership_cluster::leave(host_id at) {
    auto& host = hosts_[at];
    if (host.node == nullptr || host.paused) return;
    host.leaving = true;
    host.node->leave(clock_of(host));
    after_step(at);
}

}  // namespace dunlin::sim
