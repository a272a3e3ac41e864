// SPDX-License-Identifier: Apache-2.0
#include "runtime/membership/suspicions.hpp"

#include "runtime/membership/message.hpp"

#include <algorithm>
#include <cmath>

namespace dunlin::runtime::membership {

std::int64_t suspicion_ns(std::int64_t min_ns, std::int64_t max_ns, std::size_t confirmed,
                          std::size_t wanted) noexcept {
    if (confirmed >= wanted) return min_ns;
    const double share =
        std::log(static_cast<double>(confirmed) + 1) / std::log(static_cast<double>(wanted) + 1);
    const auto span = static_cast<double>(max_ns - min_ns);
    return std::max(min_ns, max_ns - static_cast<std::int64_t>(span * share));
}

std::size_t suspicions::index_of(instance_id suspect) const noexcept {
    const auto at = std::lower_bound(
        all_.begin(), all_.end(), suspect,
        [](const suspicion& each, instance_id wanted) { return each.suspect < wanted; });
    return static_cast<std::size_t>(at - all_.begin());
}

void suspicions::note_next() noexcept {
    next_ns_ = std::numeric_limits<std::int64_t>::max();
    for (const auto& each : all_) next_ns_ = std::min(next_ns_, each.until_ns);
}

void suspicions::begin(instance_id suspect, const terms& how, std::int64_t now_ns) {
    const auto at = index_of(suspect);
    if (at == all_.size() || all_[at].suspect != suspect) {
        all_.insert(all_.begin() + static_cast<std::ptrdiff_t>(at), suspicion{});
    }
    auto& fresh = all_[at];
    fresh.suspect = suspect;
    fresh.since_ns = now_ns;
    fresh.how = how;
    fresh.left = false;
    fresh.accusers.clear();
    fresh.until_ns = now_ns + suspicion_ns(how.min_ns, how.max_ns, 0, how.confirmations);
    note_next();
}

bool suspicions::accuse(instance_id suspect, instance_id accuser) {
    const auto at = index_of(suspect);
    if (at == all_.size() || all_[at].suspect != suspect) return false;
    auto& found = all_[at];
    if (found.accusers.size() >= limits::accusers_max) return false;
    if (std::find(found.accusers.begin(), found.accusers.end(), accuser) != found.accusers.end()) {
        return false;
    }
    found.accusers.push_back(accuser);
    // The first accuser is the suspicion; only those after it confirm it.
    const auto lasts = suspicion_ns(found.how.min_ns, found.how.max_ns, found.accusers.size() - 1,
                                    found.how.confirmations);
    found.until_ns = std::min(found.until_ns, found.since_ns + lasts);
    next_ns_ = std::min(next_ns_, found.until_ns);
    note_next();
    return true;
}

void suspicions::suppose_left(instance_id suspect) noexcept {
    const auto at = index_of(suspect);
    if (at != all_.size() && all_[at].suspect == suspect) all_[at].left = true;
}

member_state suspicions::ends_as(instance_id suspect) const noexcept {
    const auto at = index_of(suspect);
    const bool left = at != all_.size() && all_[at].suspect == suspect && all_[at].left;
    return left ? member_state::left : member_state::dead;
}

void suspicions::hasten(instance_id suspect) noexcept {
    const auto at = index_of(suspect);
    if (at == all_.size() || all_[at].suspect != suspect) return;
    auto& found = all_[at];
    found.until_ns = std::min(found.until_ns, found.since_ns + found.how.min_ns);
    note_next();
}

void suspicions::end(instance_id suspect) {
    const auto at = index_of(suspect);
    if (at == all_.size() || all_[at].suspect != suspect) return;
    all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(at));
    note_next();
}

std::span<const instance_id> suspicions::accusers(instance_id suspect) const noexcept {
    const auto at = index_of(suspect);
    if (at == all_.size() || all_[at].suspect != suspect) return {};
    return all_[at].accusers;
}

instance_id suspicions::overdue(std::int64_t now_ns) const noexcept {
    if (now_ns < next_ns_) return no_instance;
    for (const auto& each : all_)
        if (each.until_ns <= now_ns) return each.suspect;
    return no_instance;
}

void suspicions::hold_until(std::int64_t until_ns) noexcept {
    for (auto& each : all_) each.until_ns = std::max(each.until_ns, until_ns);
    note_next();
}

}  // namespace dunlin::runtime::membership
