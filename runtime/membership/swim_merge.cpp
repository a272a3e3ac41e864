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

}  // namespace

void swim::merge(const update& said, instance_id from) {
    const auto instance = said.record->instance;
    if (instance == members_[self_].instance) {
        merge_self(said, from);
        return;
    }
    const auto at = members_.find(instance);
    if (at == no_slot) {
        meet(said);
        return;
    }
    const auto& known = members_[at];
    const auto known_rank = rank(known.incarnation, known.state);
    const auto said_rank = rank(said.incarnation, said.state);
    if (said_rank < known_rank) return;
    if (said_rank == known_rank) {
        if (said.state == member_state::suspect) confirm(instance, said.accusers);
        return;
    }
    if (said.incarnation - known.incarnation > limits::incarnation_jump_max) {
        ++counted_.implausible;
        return;
    }
    if (said.state == member_state::dead && is_living(known.state)) {
        hear_of_death(at, said, from);
        return;
    }
    become(at, said.record, said.incarnation, said.state, said.accusers, said.age_s);
}

// Who was cut off from the rest holds them all for dead, and says so when the network is whole
// again. So the word of one is a suspicion, which lasts as short as one can: where a member has
// really died it has come before and is over by now, or will be as soon as at the one who says so.
void swim::hear_of_death(member_slot at, const update& said, instance_id from) {
    const auto& known = members_[at];
    const auto instance = known.instance;
    const std::array accusers{from};
    if (rank(said.incarnation, member_state::suspect) > rank(known.incarnation, known.state))
        become(at, said.record, said.incarnation, member_state::suspect, accusers, 0);
    else
        confirm(instance, accusers);
    suspicions_.hasten(instance);
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
    if (said.incarnation > self.incarnation &&
        said.incarnation - self.incarnation > limits::incarnation_jump_max) {
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

void swim::meet(const update& said) {
    const bool living = is_living(said.state);
    if (members_.size() >= options_.members_max) {
        ++counted_.members_refused;
        return;
    }
    if (!living && said.age_s * second_ns >= options_.tombstone_ns) return;
    const auto at = members_.insert(said.record, 0, member_state::dead);
    become(at, said.record, said.incarnation, said.state, said.accusers, said.age_s);
}

void swim::become(member_slot at, record_ptr record, incarnation_number incarnation,
                  member_state state, std::span<const instance_id> accusers, std::uint32_t age_s) {
    const auto before = members_[at];
    const auto instance = before.instance;
    const bool fresh = before.incarnation == 0;
    const bool was_living = !fresh && is_living(before.state);
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
            suspicions_.begin(instance, terms_now(), now_ns_);
            confirm(instance, accusers);
            verify(instance, accusers);
        }
        if (!was_living) check_name(at);
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

suspicions::terms swim::terms_now() const noexcept {
    const auto living = members_.living();
    const double scale =
        std::max(1.0, std::log10(static_cast<double>(std::max<std::size_t>(living, 1))));
    suspicions::terms how;
    how.min_ns = static_cast<std::int64_t>(static_cast<double>(options_.suspicion_min_ns) * scale);
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
        become(at, entry.record, entry.incarnation, member_state::dead, {}, 0);
        spread_ = true;
    }
}

void swim::check_name(member_slot at) {
    const auto fresh = members_[at];
    for (member_slot other = 0; other < members_.slots(); ++other) {
        const auto known = members_[other];
        if (other == at || known.instance == no_instance || !is_living(known.state)) continue;
        if (known.record->name != fresh.record->name) continue;
        const bool fresh_is_newer = fresh.instance > known.instance;
        const auto older = fresh_is_newer ? other : at;
        if (older != self_ && share_an_endpoint(*fresh.record, *known.record)) {
            // The node has started again; two processes cannot serve at one endpoint.
            const auto& gone = members_[older];
            become(older, gone.record, gone.incarnation, member_state::dead, {}, 0);
            if (older == at) return;
            continue;
        }
        changes_.push_back({change_kind::name_conflict, fresh.record, fresh.state, fresh.state,
                            fresh.incarnation, other == self_, known.record, 0});
    }
}

void swim::bury(instance_id instance, std::int64_t since_ns) {
    tombstones_.push_back({instance, since_ns});
    if (tombstones_.size() <= options_.tombstones_max) return;
    const auto oldest = std::min_element(
        tombstones_.begin(), tombstones_.end(),
        [](const tombstone& a, const tombstone& b) { return a.since_ns < b.since_ns; });
    updates_.remove(oldest->instance);
    members_.erase(members_.find(oldest->instance));
    tombstones_.erase(oldest);
}

void swim::forget_tombstones() {
    std::erase_if(tombstones_, [&](const tombstone& each) {
        if (now_ns_ - each.since_ns < options_.tombstone_ns) return false;
        updates_.remove(each.instance);
        members_.erase(members_.find(each.instance));
        return true;
    });
}

}  // namespace dunlin::runtime::membership
