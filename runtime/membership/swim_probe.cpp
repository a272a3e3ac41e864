// SPDX-License-Identifier: Apache-2.0
//
// Asking whether members are there, and answering.
#include "runtime/membership/swim.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace dunlin::runtime::membership {
namespace {

constexpr auto never_ns = std::numeric_limits<std::int64_t>::max();
constexpr unsigned asks_max = 3;

message about(message_kind kind, std::uint32_t sequence, instance_id target) {
    message what;
    what.kind = kind;
    what.sequence = sequence;
    what.target = target;
    return what;
}

}  // namespace

void swim::start_turn() {
    next_turn_ns_ = now_ns_ + health_.stretch(options_.probe_period_ns);
    while (!urgent_.empty()) {
        const auto instance = urgent_.front();
        urgent_.erase(urgent_.begin());
        const auto at = members_.find(instance);
        if (at == no_slot || members_[at].state != member_state::suspect) continue;
        if (probes_.probing(instance)) continue;
        start_probe(instance);
        return;
    }
    const auto at = order_.next(members_, self_, random_);
    if (at != no_slot && !probes_.probing(members_[at].instance)) {
        start_probe(members_[at].instance);
    }
}

void swim::hear_round_trip(instance_id member, std::int64_t round_trip_ns) {
    const auto at = members_.find(member);
    if (at == no_slot) return;
    members_.mark_measured(at);
    round_trips_.learn(member, round_trip_ns);
}

// One that has not been measured may be far. A connection that closed says that nobody is there to
// be far.
std::int64_t swim::timeout_of(instance_id target, bool patient) const noexcept {
    const auto at = members_.find(target);
    if (patient && at != no_slot && !members_[at].measured)
        return std::max(options_.probe_timeout_ns, options_.probe_timeout_unknown_ns);
    return round_trips_.timeout_ns(target);
}

// Time for three questions and a third: a period, while members are near.
std::int64_t swim::probe_ns(std::int64_t timeout_ns) const noexcept {
    return std::max(options_.probe_period_ns, timeout_ns * 10 / 3);
}

void swim::start_probe(instance_id target, bool patient) {
    ++counted_.probes;
    const auto sequence = probes_.next_sequence();
    const auto timeout_ns = timeout_of(target, patient);
    probe ours;
    ours.target = target;
    ours.sequence = sequence;
    ours.asks = 1;
    ours.begun_ns = now_ns_;
    ours.again_ns = health_.stretch(timeout_ns);
    ours.ask_ns = now_ns_ + ours.again_ns;
    ours.failed_ns = now_ns_ + health_.stretch(probe_ns(timeout_ns));
    probes_.add(ours);
    send(target, about(message_kind::ping, sequence, target));
}

void swim::ask_again(probe& which) {
    if (which.asks == 1) ++counted_.probes_indirect;
    ++which.asks;
    which.ask_ns = which.asks < asks_max ? now_ns_ + which.again_ns : never_ns;
    const auto target = which.target;
    const auto sequence = which.sequence;
    send(target, about(message_kind::ping, sequence, target));
    std::vector<instance_id> except{target};
    for (unsigned i = 0; i < options_.helpers; ++i) {
        const auto helper = random_member(except);
        if (helper == no_instance) break;
        except.push_back(helper);
        ++which.helpers_asked;
        send(helper, about(message_kind::ping_req, sequence, target));
    }
}

void swim::fail(const probe& which) {
    ++counted_.probes_failed;
    probes_.add_failed(which);
    const auto at = members_.find(which.target);
    if (at == no_slot || !is_living(members_[at].state)) return;
    // Helpers that are there answer or say that they try. If most are silent too, it may be us.
    if (which.helpers_heard * 2 < which.helpers_asked || which.helpers_asked == 0) health_.worse();
    if (members_[at].state == member_state::alive) ++counted_.suspicions;
    accuse(at, members_[self_].instance);
}

void swim::advance_probes() {
    while (auto* due = probes_.due_probe(now_ns_)) {
        if (due->failed_ns > now_ns_) {
            ask_again(*due);
        } else if (const auto failed = probes_.take_probe(due->sequence, due->target)) {
            fail(*failed);
        }
    }
    while (auto* due = probes_.due_relay(now_ns_)) {
        due->nack_ns = never_ns;
        send(due->origin, about(message_kind::nack, due->origin_sequence, due->target));
    }
    probes_.expire(now_ns_);
}

void swim::receive_ping(instance_id from, const message& what) {
    // An endpoint may have gone to another start of the node: that one is not there any more.
    if (what.target != members_[self_].instance) return;
    send(from, about(message_kind::ack, what.sequence, what.target));
}

void swim::receive_ack(instance_id from, const message& what) {
    // Which of its questions it answers is not known. The first makes a way longer than it is for
    // one probe, the last would make it shorter than it is for good (Karn's ambiguity).
    const auto learn = [&](const probe& asked) {
        if (from == asked.target) hear_round_trip(from, now_ns_ - asked.begun_ns);
    };
    if (const auto ours = probes_.take_probe(what.sequence, what.target)) {
        health_.better();
        learn(*ours);
    } else if (const auto late = probes_.take_failed(what.sequence, what.target)) {
        learn(*late);
    } else if (const auto theirs = probes_.take_relay(what.sequence, what.target)) {
        send(theirs->origin, about(message_kind::ack, theirs->origin_sequence, what.target));
    }
}

void swim::receive_ping_req(instance_id from, const message& what) {
    const auto sequence = probes_.next_sequence();
    if (what.target == members_[self_].instance) {
        send(from, about(message_kind::ack, what.sequence, what.target));
        return;
    }
    // The nack has to be back before the asker's probe is over: four fifths of its timeout.
    relay theirs;
    theirs.origin = from;
    theirs.origin_sequence = what.sequence;
    theirs.target = what.target;
    theirs.sequence = sequence;
    theirs.nack_ns = now_ns_ + options_.probe_timeout_ns * 4 / 5;
    theirs.over_ns = now_ns_ + probe_ns(timeout_of(what.target, true));
    probes_.add(theirs);
    send(what.target, about(message_kind::ping, sequence, what.target));
}

void swim::receive_nack(const message& what) {
    if (auto* ours = probes_.find_probe(what.sequence)) ++ours->helpers_heard;
}

void swim::ping_a_dead_one() {
    next_dead_ping_ns_ = now_ns_ + options_.dead_ping_period_ns;
    const auto count = static_cast<std::uint32_t>(tombstones_.size());
    if (count == 0) return;
    const auto share = static_cast<double>(options_.dead_pings) * count /
                       static_cast<double>(std::max<std::size_t>(members_.living(), 1));
    if (!random_.chance(share)) return;
    const auto start = random_.below(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto instance = tombstones_[(start + i) % count].instance;
        if (members_[members_.find(instance)].state != member_state::dead) continue;
        send(instance, about(message_kind::ping, 0, instance));
        return;
    }
}

instance_id swim::random_member(std::span<const instance_id> except) {
    const auto slots = members_.slots();
    const auto fits = [&](member_slot at) {
        const auto& entry = members_[at];
        return at != self_ && entry.instance != no_instance && entry.state == member_state::alive &&
               std::find(except.begin(), except.end(), entry.instance) == except.end();
    };
    // A few blind tries find one where most are alive; otherwise the first after a random place.
    member_slot at = 0;
    for (int i = 0; i < 8; ++i)
        if (at = random_.below(slots); fits(at)) return members_[at].instance;
    for (member_slot i = 0; i < slots; ++i) {
        at = at + 1 < slots ? at + 1 : 0;
        if (fits(at)) return members_[at].instance;
    }
    return no_instance;
}

}  // namespace dunlin::runtime::membership
