// SPDX-License-Identifier: Apache-2.0
//
// What is said about members, and what follows from it.
#include "runtime/membership/swim.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace dunlin::runtime::membership {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

bool share_an_endpoint(const member_record& a, const member_record& b) {
    return std::any_of(a.endpoints.begin(), a.endpoints.end(), [&](const std::string& each) {
        return std::find(b.endpoints.begin(), b.endpoints.end(), each) != b.endpoints.end();
    });
}

// What a process serves, and its store, never change, but statements about dead members leave them
// out, and so do nodes that are older than one of them.
record_ptr with_what_is_known(record_ptr said, const member_record& known) {
    const bool serves = !said->serves.tells() && known.serves.tells();
    const bool store = said->store == 0 && known.store != 0;
    if (!serves && !store) return said;
    auto whole = std::make_shared<member_record>(*said);
    if (serves) whole->serves = known.serves;
    if (store) whole->store = known.store;
    return whole;
}

}  // namespace

void swim::merge(const update& said, instance_id from) {
    const auto instance = said.record->instance;
    if (instance == members_[self_].instance) {
        merge_self(said, from);
        return;
    }
    const auto at = members_.find(instance);
    if (at == no_slot) {
        meet(said, from);
        return;
    }
    const auto& known = members_[at];
    const auto known_rank = rank(known.incarnation, known.state);
    const auto said_rank = rank(said.incarnation, said.state);
    if (said_rank < known_rank) return;
    if (said_rank == known_rank) {
        if (said.state == member_state::suspect) confirm(instance, said.accusers);
        if (parts_told(*said.record) > parts_told(*known.record))
            complete(at, with_what_is_known(said.record, *known.record));
        return;
    }
    if (!is_plausible(said, from, &known)) {
        ++counted_.implausible;
        // Something may be wrong with it all the same.
        if (said.state != member_state::alive && is_living(known.state)) doubt(instance);
        return;
    }
    if (!is_living(said.state) && is_living(known.state) && from != instance) {
        hear_of_end(at, said, from);
        return;
    }
    become(at, said.record, said.incarnation, said.state, said.accusers, said.age_s);
}

// The same statement, but told by somebody who knows more of what the member told.
void swim::complete(member_slot at, const record_ptr& record) {
    const auto before = members_[at];
    members_.change(at, record, before.incarnation, before.state);
    if (!is_living(before.state)) return;
    updates_.add(before.instance);
    report(before, at);
}

bool swim::is_plausible(const update& said, instance_id from,
                        const member_entry* known) const noexcept {
    if (from != said.record->instance) return said.incarnation <= limits::incarnation_hearsay_max;
    const auto before = known == nullptr ? limits::incarnation_hearsay_max : known->incarnation;
    return said.incarnation <= before || said.incarnation - before <= limits::incarnation_jump_max;
}

// Who was cut off from the rest holds them all for dead, and says so when the network is whole
// again; and who lies may say that they have left. So the word of others is a suspicion, which
// lasts as short as one can: where a member has really gone it has come before and is over by now,
// or will be as soon as at the one who says so. One that leaves tells all itself.
void swim::hear_of_end(member_slot at, const update& said, instance_id from) {
    const auto& known = members_[at];
    const auto instance = known.instance;
    const std::array accusers{from};
    if (rank(said.incarnation, member_state::suspect) > rank(known.incarnation, known.state))
        become(at, said.record, said.incarnation, member_state::suspect, accusers, 0);
    else
        confirm(instance, accusers);
    if (said.state == member_state::left) suspicions_.suppose_left(instance);
    suspicions_.hasten(instance);
}

void swim::mark_reached(instance_id instance) {
    const auto at = members_.find(instance);
    if (at != no_slot) members_.mark_reached(at);
}

void swim::doubt(instance_id member) {
    if (urgent_.size() >= urgent_max) return;
    if (std::find(urgent_.begin(), urgent_.end(), member) == urgent_.end())
        urgent_.push_back(member);
}

void swim::merge_self(const update& said, instance_id from) {
    const auto& self = members_[self_];
    const auto said_rank = rank(said.incarnation, said.state);
    const auto our_rank = rank(self.incarnation, self.state);
    if (said_rank == our_rank) return;
    if (said_rank < our_rank) {
        // The news of our contradiction has not reached it, or was lost: it alone needs it.
        if (said.state == member_state::suspect || said.state == member_state::dead) {
            message again;
            again.updates.push_back(update_of(self));
            send(from, std::move(again));
        }
        return;
    }
    // Nobody believes that of us. (What is no more than we have said ourselves they may.)
    if (said.incarnation > self.incarnation && said.incarnation > limits::incarnation_hearsay_max) {
        ++counted_.implausible;
        return;
    }
    tell_too_.push_back(from);
    ++counted_.refutations;
    health_.worse();
    changes_.push_back({change_kind::self_refuted, self.record, said.state, self.state,
                        said.incarnation + 1, true, nullptr, 0});
    raise_self(self.record, said.incarnation + 1, self.state);
}

void swim::raise_self(record_ptr record, incarnation_number incarnation, member_state state) {
    members_.change(self_, std::move(record), incarnation, state);
    updates_.add(members_[self_].instance);
    spread_ = true;
}

void swim::meet(const update& said, instance_id from) {
    const bool living = is_living(said.state);
    if (!is_plausible(said, from, nullptr)) {
        ++counted_.implausible;
        return;
    }
    const bool reached = from == said.record->instance ||
                         std::any_of(introduced_.begin(), introduced_.end(), [&](const auto& each) {
                             return each.instance == said.record->instance;
                         });
    const bool too_many_unreached =
        living && !reached && members_.unreached() >= options_.unreached_max;
    if (members_.size() >= options_.members_max || too_many_unreached) {
        ++counted_.members_refused;
        // Who of them is there has been found out by then.
        if (too_many_unreached)
            next_sync_ns_ = std::min(next_sync_ns_, now_ns_ + options_.sync_refused_ns);
        return;
    }
    if (!living && said.age_s * second_ns >= options_.tombstone_ns) return;
    const auto at = members_.insert(said.record, 0, member_state::dead);
    if (reached) members_.mark_reached(at);
    become(at, said.record, said.incarnation, said.state, said.accusers, said.age_s);
}

void swim::become(member_slot at, record_ptr record, incarnation_number incarnation,
                  member_state state, std::span<const instance_id> accusers, std::uint32_t age_s) {
    const auto before = members_[at];
    const auto instance = before.instance;
    const bool fresh = before.incarnation == 0;
    const bool was_living = !fresh && is_living(before.state);
    if (!fresh) record = with_what_is_known(std::move(record), *before.record);
    // One record for all that say the same.
    if (incarnation == before.incarnation || *record == *before.record) record = before.record;
    members_.change(at, std::move(record), incarnation, state);

    // What a new node is told of the whole cluster is news to nobody else.
    const bool catching_up = merging_list_ && syncs_ < options_.syncs_first;
    if (is_living(state) ? !(fresh && catching_up) : !fresh) updates_.add(instance);

    report(before, at);
    suspicions_.end(instance);
    if (is_living(state)) {
        if (!was_living) {
            std::erase_if(tombstones_,
                          [&](const tombstone& each) { return each.instance == instance; });
            order_.add(at, random_);
        }
        if (state == member_state::suspect) {
            suspicions_.begin(instance, terms_now(instance), now_ns_);
            confirm(instance, accusers);
            verify(instance, accusers);
        }
        const bool contradicts =
            was_living && before.state == member_state::suspect && state == member_state::alive;
        if (!was_living || contradicts) check_name(at, before);
    } else if (fresh || was_living) {
        bury(instance, now_ns_ - age_s * second_ns);
    }
}

void swim::report(const member_entry& before, member_slot at) {
    const auto& now = members_[at];
    change what{change_kind::updated, now.record, before.state, now.state,
                now.incarnation,      false,      nullptr,      0};
    const bool was_living = before.incarnation != 0 && is_living(before.state);
    if (!was_living && !is_living(now.state)) return;
    if (!was_living) {
        what.kind = before.incarnation == 0 ? change_kind::joined : change_kind::returned;
    } else if (now.state == member_state::dead) {
        what.kind = change_kind::died;
    } else if (now.state == member_state::left) {
        what.kind = change_kind::left;
    } else if (before.state != now.state) {
        what.kind =
            now.state == member_state::suspect ? change_kind::suspected : change_kind::trusted;
    } else if (before.record == now.record) {
        return;
    }
    changes_.push_back(std::move(what));
}

suspicions::terms swim::terms_now(instance_id suspect) const noexcept {
    const auto living = members_.living();
    const double scale =
        std::max(1.0, std::log10(static_cast<double>(std::max<std::size_t>(living, 1))));
    // To one that is far the suspicion has to get, and what it says against it back to us.
    const auto way_ns = timeout_of(suspect, true) - options_.probe_timeout_ns;
    suspicions::terms how;
    how.min_ns = static_cast<std::int64_t>(static_cast<double>(options_.suspicion_min_ns) * scale) +
                 2 * way_ns;
    how.max_ns =
        static_cast<std::int64_t>(static_cast<double>(how.min_ns) * options_.suspicion_max_factor);
    // Neither the first accuser, nor this suspect, nor other suspects can be hoped for.
    const auto others = suspicions_.size() + 2;
    how.confirmations = living > others ? living - others : 0;
    how.confirmations = std::min<std::size_t>(how.confirmations, options_.confirmations);
    return how;
}

void swim::accuse(member_slot at, instance_id accuser) {
    const auto& suspect = members_[at];
    const auto instance = suspect.instance;
    const std::array accusers{accuser};
    if (suspect.state == member_state::alive) {
        become(at, suspect.record, suspect.incarnation, member_state::suspect, accusers, 0);
    } else if (suspicions_.accuse(instance, accuser)) {
        updates_.add(instance);
    } else {
        return;
    }
    spread_ = true;
    tell_too_.push_back(instance);
}

void swim::confirm(instance_id suspect, std::span<const instance_id> accusers) {
    for (const auto accuser : accusers) {
        const auto at = members_.find(accuser);
        if (at == no_slot || !is_living(members_[at].state) || accuser == suspect) continue;
        if (suspicions_.accuse(suspect, accuser)) updates_.add(suspect);
    }
}

void swim::verify(instance_id suspect, std::span<const instance_id> accusers) {
    const auto self = members_[self_].instance;
    if (std::find(accusers.begin(), accusers.end(), self) != accusers.end()) return;
    if (urgent_.size() >= urgent_max) return;
    const auto share = static_cast<double>(options_.verifiers) /
                       static_cast<double>(std::max<std::size_t>(members_.living(), 1));
    if (random_.chance(share)) urgent_.push_back(suspect);
}

void swim::bury_overdue() {
    while (const auto suspect = suspicions_.overdue(now_ns_)) {
        const auto at = members_.find(suspect);
        const auto& entry = members_[at];
        ++counted_.deaths;
        become(at, entry.record, entry.incarnation, suspicions_.ends_as(suspect), {}, 0);
        spread_ = true;
    }
}

// Two processes cannot serve at one endpoint, so of two starts of one node at most one lives. Which
// of them is the later one no number tells for certain: its clock may have been put back. One that
// speaks, or contradicts, lives; of others the larger number is the later start as a rule, and one
// with a smaller number has to show that it lives.
void swim::check_name(member_slot at, const member_entry& before) {
    const auto fresh = members_[at];
    const bool appears = before.incarnation == 0 || !is_living(before.state);
    const bool spoke = !appears || speaker_ == fresh.instance;
    bool doubtful = false;
    for (member_slot other = 0; other < members_.slots(); ++other) {
        const auto known = members_[other];
        if (other == at || known.instance == no_instance || !is_living(known.state)) continue;
        if (known.record->name != fresh.record->name) continue;
        const bool restarted = share_an_endpoint(*fresh.record, *known.record);
        if (restarted && other == self_ && before.incarnation == 0)
            return become(at, fresh.record, fresh.incarnation, member_state::dead, {}, 0);
        if (restarted && other != self_) {
            if (spoke || fresh.instance > known.instance)
                become(other, known.record, known.incarnation, member_state::dead, {}, 0);
            else
                doubtful = true;
        } else if (appears) {
            changes_.push_back({change_kind::name_conflict, fresh.record, fresh.state, fresh.state,
                                fresh.incarnation, other == self_, known.record, 0});
        }
    }
    if (doubtful) accuse(at, members_[self_].instance);
}

void swim::bury(instance_id instance, std::int64_t since_ns) {
    tombstones_.push_back({instance, since_ns});
    if (tombstones_.size() <= options_.tombstones_max) return;
    const auto oldest = std::min_element(
        tombstones_.begin(), tombstones_.end(),
        [](const tombstone& a, const tombstone& b) { return a.since_ns < b.since_ns; });
    updates_.remove(oldest->instance);
    round_trips_.forget(oldest->instance);
    members_.erase(members_.find(oldest->instance));
    tombstones_.erase(oldest);
}

void swim::forget_tombstones() {
    std::erase_if(tombstones_, [&](const tombstone& each) {
        if (now_ns_ - each.since_ns < options_.tombstone_ns) return false;
        updates_.remove(each.instance);
        round_trips_.forget(each.instance);
        members_.erase(members_.find(each.instance));
        return true;
    });
}

}  // namespace dunlin::runtime::membership
