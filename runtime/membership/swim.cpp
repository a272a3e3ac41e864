// SPDX-License-Identifier: Apache-2.0
#include "runtime/membership/swim.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::runtime::membership {
namespace {

constexpr std::int64_t forget_period_ns = 60 * std::int64_t{1'000'000'000};
constexpr std::int64_t second_ns = 1'000'000'000;

}  // namespace

swim::swim(const options& how, record_ptr self, std::uint64_t seed, std::int64_t now_ns)
    : options_(how),
      random_(seed),
      now_ns_(now_ns),
      health_(how.local_health_max),
      updates_(how.updates_waiting_max),
      round_trips_(how.probe_timeout_ns, how.probe_timeout_max_ns, how.members_max),
      next_turn_ns_(now_ns),
      next_sync_ns_(now_ns + how.sync_first_ns),
      next_dead_ping_ns_(now_ns + how.dead_ping_period_ns),
      next_forget_ns_(now_ns + forget_period_ns) {
    // Nodes that start together do not probe together.
    next_turn_ns_ += static_cast<std::int64_t>(random_.draw() >> 1) % how.probe_period_ns;
    self_ = members_.insert(std::move(self), 1, member_state::alive);
    members_.mark_reached(self_);
}

void swim::preload(std::span<const record_ptr> members) {
    members_.reserve(members.size() + 1);
    order_.reserve(members.size() + 1);
    for (const auto& record : members) {
        if (members_.find(record->instance) != no_slot) continue;
        const auto at = members_.insert(record, 1, member_state::alive);
        members_.mark_reached(at);
        members_.mark_measured(at);  // near, until an answer says otherwise
    }
    syncs_ = options_.syncs_first;
    next_sync_ns_ =
        now_ns_ + static_cast<std::int64_t>(random_.draw() >> 1) % options_.sync_period_ns;
}

std::int64_t swim::next_inner_ns() const noexcept {
    return std::min({next_turn_ns_, next_sync_ns_, next_dead_ping_ns_, next_forget_ns_,
                     suspicions_.next_ns(), probes_.next_ns()});
}

std::int64_t swim::next_timer_ns() const noexcept { return next_inner_ns() + ahead_ns_; }

void swim::set_time(std::int64_t now_ns) {
    const auto inner_ns = now_ns - ahead_ns_;
    if (inner_ns < now_ns_) {
        ahead_ns_ = now_ns - now_ns_;
        return;
    }
    const auto late_ns = inner_ns - next_inner_ns();
    if (late_ns <= options_.late_ns_max) {
        now_ns_ = inner_ns;
        return;
    }
    // We did not run, or had no time for this. The time in between has not passed for anything
    // here; answers to our probes may lie unread, and so may contradictions of those whom we
    // suspect.
    const auto paused_ns = inner_ns - now_ns_;
    ahead_ns_ += paused_ns;
    probes_.clear();
    suspicions_.hold_until(now_ns_ + health_.stretch(options_.probe_period_ns));
    health_.worse();
    ++counted_.pauses;
    const auto& self = members_[self_];
    changes_.push_back({change_kind::paused, self.record, self.state, self.state, self.incarnation,
                        true, nullptr, late_ns});
}

void swim::advance(std::int64_t now_ns) {
    set_time(now_ns);
    advance_probes();
    bury_overdue();
    // Before anybody else hears of it through a ping.
    if (spread_) spread();
    if (next_turn_ns_ <= now_ns_) start_turn();
    if (next_sync_ns_ <= now_ns_) sync_turn();
    if (next_dead_ping_ns_ <= now_ns_) ping_a_dead_one();
    if (next_forget_ns_ <= now_ns_) {
        next_forget_ns_ = now_ns_ + forget_period_ns;
        forget_tombstones();
    }
    finish();
}

void swim::receive(instance_id from, const message& what, std::int64_t now_ns) {
    set_time(now_ns);
    if (from == no_instance || from == members_[self_].instance) return;
    auto at = members_.find(from);
    const bool was_gone = at != no_slot && !is_living(members_[at].state);

    mark_reached(from);
    merging_list_ = what.kind == message_kind::sync;
    speaker_ = from;
    for (const auto& said : what.updates) merge(said, from);
    speaker_ = no_instance;
    merging_list_ = false;
    switch (what.kind) {
        case message_kind::ping: receive_ping(from, what); break;
        case message_kind::ack: receive_ack(from, what); break;
        case message_kind::ping_req: receive_ping_req(from, what); break;
        case message_kind::nack: receive_nack(what); break;
        case message_kind::gossip: break;
        case message_kind::digest: receive_digest(from, what); break;
        case message_kind::sync: receive_sync(from, what); break;
        case message_kind::drain_question:
        case message_kind::drain_answer: break;  // for a `drain_agreement`
    }

    at = members_.find(from);
    if (at == no_slot) {
        introduce(from, now_ns);
        return;
    }
    const auto state = members_[at].state;
    if (is_living(state)) {
        std::erase_if(introduced_, [&](const introduced& each) { return each.instance == from; });
        // The other side of a partition, most likely: all of it is news.
        if (was_gone) compare_lists(from);
    } else if (what.kind != message_kind::ping) {
        // It does not know, or it would have contradicted. (To a ping the ack has told it.)
        send(from, {});
    }
    finish();
}

void swim::introduce(instance_id instance, std::int64_t now_ns) {
    set_time(now_ns);
    if (instance == no_instance || instance == members_[self_].instance) return;
    const auto at = members_.find(instance);
    mark_reached(instance);
    const bool known = at != no_slot && members_[at].state == member_state::alive;
    const bool waiting =
        std::any_of(introduced_.begin(), introduced_.end(),
                    [&](const introduced& each) { return each.instance == instance; });
    if (!known && !waiting) {
        if (introduced_.size() >= introduced_max) introduced_.erase(introduced_.begin());
        introduced_.push_back({instance, 0});
        next_sync_ns_ = std::min(next_sync_ns_, now_ns_ + options_.sync_first_ns);
    }
    if (!waiting) compare_lists(instance);
    finish();
}

void swim::hint_lost(instance_id instance, std::int64_t now_ns) {
    set_time(now_ns);
    const auto at = members_.find(instance);
    if (at == no_slot || at == self_ || !is_living(members_[at].state)) return;
    if (!probes_.probing(instance)) start_probe(instance, false);
    finish();
}

void swim::set_draining(std::int64_t now_ns) {
    set_time(now_ns);
    const auto& self = members_[self_];
    if (self.record->draining || self.state != member_state::alive) return;
    auto record = std::make_shared<member_record>(*self.record);
    record->draining = true;
    raise_self(std::move(record), self.incarnation + 1, self.state);
    finish();
}

void swim::leave(std::int64_t now_ns) {
    set_time(now_ns);
    const auto& self = members_[self_];
    if (self.state == member_state::left) return;
    raise_self(self.record, self.incarnation, member_state::left);
    // To all at once, since of others nobody believes it without a doubt.
    for (member_slot at = 0; at < members_.slots(); ++at) {
        const auto& member = members_[at];
        if (at == self_ || member.instance == no_instance || !is_living(member.state)) continue;
        message farewell;
        farewell.updates.push_back(update_of(members_[self_]));
        send(member.instance, std::move(farewell));
    }
    spread_ = false;
    finish();
}

void swim::finish() {
    if (spread_) spread();
}

void swim::take_outgoing(std::vector<outgoing>& into) {
    into.clear();
    into.swap(outgoing_);
}

void swim::take_changes(std::vector<change>& into) {
    into.clear();
    into.swap(changes_);
}

std::uint32_t swim::age_s(const tombstone& of) const noexcept {
    return static_cast<std::uint32_t>((now_ns_ - of.since_ns) / second_ns);
}

member_view swim::view_of(const member_entry& entry) const {
    member_view view{entry.record, entry.state, entry.incarnation, 0};
    if (is_living(entry.state)) return view;
    for (const auto& each : tombstones_)
        if (each.instance == entry.instance) view.dead_s = age_s(each);
    return view;
}

std::vector<member_view> swim::snapshot() const {
    std::vector<member_view> all;
    all.reserve(members_.size());
    for (member_slot at = 0; at < members_.slots(); ++at)
        if (const auto& entry = members_[at]; entry.instance != no_instance)
            all.push_back({entry.record, entry.state, entry.incarnation, 0});
    std::sort(all.begin(), all.end(), [](const member_view& a, const member_view& b) {
        return a.record->instance < b.record->instance;
    });
    for (const auto& each : tombstones_) {
        const auto found = std::lower_bound(all.begin(), all.end(), each.instance,
                                            [](const member_view& view, instance_id wanted) {
                                                return view.record->instance < wanted;
                                            });
        if (found != all.end() && found->record->instance == each.instance)
            found->dead_s = age_s(each);
    }
    return all;
}

std::optional<member_view> swim::find(instance_id instance) const {
    const auto at = members_.find(instance);
    if (at == no_slot) return std::nullopt;
    return view_of(members_[at]);
}

}  // namespace dunlin::runtime::membership
