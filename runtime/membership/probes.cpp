// SPDX-License-Identifier: Apache-2.0
#include "runtime/membership/probes.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace dunlin::runtime::membership {
namespace {

template <class Item>
std::optional<Item> take(std::vector<Item>& from, std::uint32_t sequence, instance_id target) {
    for (auto& each : from) {
        if (each.sequence != sequence || each.target != target) continue;
        const auto found = each;
        each = from.back();
        from.pop_back();
        return found;
    }
    return std::nullopt;
}

}  // namespace

void probe_order::add(member_slot member, seeded_random& random) {
    order_.push_back(member);
    const auto left = static_cast<std::uint32_t>(order_.size() - turn_);
    std::swap(order_.back(), order_[turn_ + random.below(left)]);
}

member_slot probe_order::next(const member_table& members, member_slot self,
                              seeded_random& random) {
    const auto wanted = [&](member_slot slot) {
        return slot != self && members[slot].instance != no_instance &&
               is_living(members[slot].state);
    };
    for (int round = 0; round < 2; ++round) {
        while (turn_ < order_.size()) {
            const auto slot = order_[turn_++];
            if (wanted(slot)) return slot;
        }
        order_.clear();
        turn_ = 0;
        for (member_slot slot = 0; slot < members.slots(); ++slot)
            if (wanted(slot)) order_.push_back(slot);
        for (auto left = static_cast<std::uint32_t>(order_.size()); left > 1; --left)
            std::swap(order_[left - 1], order_[random.below(left)]);
    }
    return no_slot;
}

bool probe_board::probing(instance_id target) const noexcept {
    return std::any_of(probes_.begin(), probes_.end(),
                       [&](const probe& each) { return each.target == target; });
}

void probe_board::add(const probe& ours) {
    if (probes_.size() < probes_max) probes_.push_back(ours);
}

void probe_board::add(const relay& theirs) {
    if (relays_.size() < relays_max) relays_.push_back(theirs);
}

std::optional<probe> probe_board::take_probe(std::uint32_t sequence, instance_id target) {
    return take(probes_, sequence, target);
}

std::optional<relay> probe_board::take_relay(std::uint32_t sequence, instance_id target) {
    return take(relays_, sequence, target);
}

probe* probe_board::find_probe(std::uint32_t sequence) noexcept {
    for (auto& each : probes_)
        if (each.sequence == sequence) return &each;
    return nullptr;
}

void probe_board::add_failed(const probe& ours) {
    if (failed_.size() >= failed_max) failed_.erase(failed_.begin());
    failed_.push_back(ours);
}

std::optional<probe> probe_board::take_failed(std::uint32_t sequence, instance_id target) {
    return take(failed_, sequence, target);
}

probe* probe_board::due_probe(std::int64_t now_ns) noexcept {
    for (auto& each : probes_)
        if (std::min(each.ask_ns, each.failed_ns) <= now_ns) return &each;
    return nullptr;
}

relay* probe_board::due_relay(std::int64_t now_ns) noexcept {
    for (auto& each : relays_)
        if (each.nack_ns <= now_ns) return &each;
    return nullptr;
}

void probe_board::expire(std::int64_t now_ns) {
    std::erase_if(relays_, [&](const relay& each) { return each.over_ns <= now_ns; });
}

void probe_board::clear() noexcept {
    probes_.clear();
    failed_.clear();
    relays_.clear();
}

std::int64_t probe_board::next_ns() const noexcept {
    auto next = std::numeric_limits<std::int64_t>::max();
    for (const auto& each : probes_) next = std::min({next, each.ask_ns, each.failed_ns});
    for (const auto& each : relays_) next = std::min({next, each.nack_ns, each.over_ns});
    return next;
}

}  // namespace dunlin::runtime::membership
