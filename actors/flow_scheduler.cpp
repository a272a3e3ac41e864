// SPDX-License-Identifier: Apache-2.0
#include "actors/flow_scheduler.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::actors {

namespace {

/// A priority that is passed over has a turn for so many invocations of higher ones.
constexpr std::uint64_t passed_over_max = 15;
/// The round has a turn for so many turns of newcomers.
constexpr std::uint64_t newcomers_turns_max = 7;
/// Flows that are looked at, at most, before one has its turn although it owes some.
constexpr int looks_max = 64;

std::uint32_t weight_of(const call_share& share) noexcept {
    return std::clamp<std::uint32_t>(share.weight, 1, flow_scheduler::weight_max);
}

}  // namespace

// -- the index ------------------------------------------------------------------------------------

// The finalizer of MurmurHash3. Callers choose their names, so the seed is not theirs to know.
std::size_t flow_scheduler::hash(std::uint64_t caller, call_priority priority) const noexcept {
    auto mixed = (caller + static_cast<std::uint64_t>(priority)) ^ seed_;
    mixed = (mixed ^ (mixed >> 33)) * 0xff51afd7ed558ccdULL;
    mixed = (mixed ^ (mixed >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return static_cast<std::size_t>(mixed ^ (mixed >> 33)) & (index_.size() - 1);
}

std::uint32_t flow_scheduler::find(const call_share& share) const noexcept {
    if (index_.empty()) return support::no_place;
    auto place = index_[hash(share.caller, share.priority)];
    while (place != support::no_place) {
        const auto& each = flows_[place];
        if (each.caller == share.caller && each.priority == share.priority) break;
        place = each.chain;
    }
    return place;
}

void flow_scheduler::grow_index() {
    std::vector<std::uint32_t> before(std::max<std::size_t>(16, 2 * index_.size()),
                                      support::no_place);
    before.swap(index_);
    for (auto place : before) {
        while (place != support::no_place) {
            auto& each = flows_[place];
            const auto next = each.chain;
            auto& first = index_[hash(each.caller, each.priority)];
            each.chain = std::exchange(first, place);
            place = next;
        }
    }
}

std::uint32_t flow_scheduler::open(const call_share& share) {
    auto place = find(share);
    if (place != support::no_place) {
        set_weight(place, weight_of(share));
        return place;
    }
    if (flows_.size() >= index_.size()) grow_index();
    place = flows_.take();
    auto& first = index_[hash(share.caller, share.priority)];
    auto& opened = flows_[place];
    opened.caller = share.caller;
    opened.weight = weight_of(share);
    opened.priority = share.priority;
    opened.chain = std::exchange(first, place);
    level(share.priority).newcomers.push_back(flows_, place);
    ++debtors_;  // it is empty
    return place;
}

void flow_scheduler::close_unused(std::uint32_t place) noexcept {
    const auto& of = flows_[place];
    if (of.length == 0 && of.newcomer && of.deficit == 0) end(place);
}

void flow_scheduler::end(std::uint32_t place) noexcept {
    const auto& ended = flows_[place];
    auto& in = level(ended.priority);
    (ended.newcomer ? in.newcomers : in.round).erase(flows_, place);
    auto* link = &index_[hash(ended.caller, ended.priority)];
    while (*link != place) link = &flows_[*link].chain;
    *link = ended.chain;
    --debtors_;
    flows_.give_back(place);
}

// -- lengths --------------------------------------------------------------------------------------

void flow_scheduler::rank(priority_level& in, std::uint32_t place) noexcept {
    auto& of = flows_[place];
    const auto relative = (std::uint64_t{of.length} << rank_shift) / of.weight;
    of.rank = static_cast<std::uint16_t>(scale::index_of(relative));
    in.by_rank[of.rank].push_back(flows_, place);
    in.ranks_used[of.rank / 64] |= std::uint64_t{1} << (of.rank % 64);
}

void flow_scheduler::unrank(priority_level& in, std::uint32_t place) noexcept {
    const auto from = flows_[place].rank;
    in.by_rank[from].erase(flows_, place);
    if (in.by_rank[from].empty()) in.ranks_used[from / 64] &= ~(std::uint64_t{1} << (from % 64));
}

std::uint32_t flow_scheduler::longest(call_priority of) const noexcept {
    const auto& in = level(of);
    for (auto word = in.ranks_used.size(); word-- > 0;) {
        if (in.ranks_used[word] == 0) continue;
        return in
            .by_rank[word * 64 + static_cast<std::size_t>(std::bit_width(in.ranks_used[word])) - 1]
            .front();
    }
    return support::no_place;
}

void flow_scheduler::set_weight(std::uint32_t place, std::uint32_t weight) noexcept {
    auto& of = flows_[place];
    if (of.weight == weight) return;
    if (of.length == 0) {
        of.weight = weight;
        return;
    }
    auto& in = level(of.priority);
    unrank(in, place);
    in.weight += weight - std::size_t{of.weight};
    if (of.newcomer) in.newcomers_weight += weight - std::size_t{of.weight};
    of.weight = weight;
    rank(in, place);
}

void flow_scheduler::add(std::uint32_t place, std::uint32_t count) noexcept {
    auto& to = flows_[place];
    auto& in = level(to.priority);
    if (to.length == 0) {
        --debtors_;
        // It has not used up what it may borrow, so it comes first again.
        if (!to.newcomer && to.deficit > -turns_borrowed_max * quantum() * to.weight) {
            in.round.erase(flows_, place);
            in.newcomers.push_back(flows_, place);
            to.newcomer = true;
        }
        in.weight += to.weight;
        if (to.newcomer) in.newcomers_weight += to.weight;
    } else {
        unrank(in, place);
    }
    to.length += count;
    rank(in, place);
    waiting_ += count;
    in.waiting += count;
    if (to.newcomer) in.newcomers_waiting += count;
    const auto size = static_cast<unsigned>(std::bit_width(count));
    if (by_size_[size]++ == 0) sizes_used_ |= 1U << size;
}

void flow_scheduler::shorten(std::uint32_t place, std::uint32_t count) noexcept {
    auto& of = flows_[place];
    auto& in = level(of.priority);
    unrank(in, place);
    of.length -= count;
    waiting_ -= count;
    in.waiting -= count;
    if (of.newcomer) in.newcomers_waiting -= count;
    const auto size = static_cast<unsigned>(std::bit_width(count));
    if (--by_size_[size] == 0) sizes_used_ &= ~(1U << size);
    if (of.length != 0) return rank(in, place);
    ++debtors_;
    in.weight -= of.weight;
    if (of.newcomer) in.newcomers_weight -= of.weight;
    of.delay.emptied();
}

void flow_scheduler::join_round(priority_level& in, std::uint32_t place) noexcept {
    auto& of = flows_[place];
    in.newcomers.erase(flows_, place);
    if (of.length != 0) in.newcomers_weight -= of.weight;
    in.newcomers_waiting -= of.length;
    of.newcomer = false;
    in.round.push_back(flows_, place);
}

void flow_scheduler::remove(std::uint32_t place, std::uint32_t count) noexcept {
    shorten(place, count);
    const auto& of = flows_[place];
    if (of.length != 0) return;
    if (of.deficit >= 0 || debtors_ > debtors_max) return end(place);
    if (of.newcomer) join_round(level(of.priority), place);
}

void flow_scheduler::run(std::uint32_t place, std::uint32_t count) noexcept {
    auto& of = flows_[place];
    auto& in = level(of.priority);
    const auto turn = quantum() * of.weight;
    of.deficit -= count;
    const auto own = static_cast<std::size_t>(of.priority);
    const auto credit = passed_over_max * count;
    in.passed_over -= std::min(in.passed_over, credit);
    for (auto lower = own + 1; lower < call_priorities; ++lower)
        if (levels_[lower].waiting != 0) levels_[lower].passed_over += count;
    if (of.newcomer) {
        in.newcomers_ran += count;
        // One invocation, or turn, each: they do not wait for each other's bursts.
        if (of.deficit <= -turns_borrowed_max * turn)
            join_round(in, place);
        else
            in.newcomers.rotate(flows_);
    } else {
        in.newcomers_ran = 0;
    }
    remove(place, count);
}

// -- turns ----------------------------------------------------------------------------------------

flow_scheduler::priority_level& flow_scheduler::next_level() noexcept {
    priority_level* highest = nullptr;
    for (auto& each : levels_) {
        if (each.waiting == 0) {
            each.passed_over = 0;
            continue;
        }
        if (highest == nullptr)
            highest = &each;
        else if (each.passed_over >= passed_over_max * static_cast<std::uint64_t>(quantum()))
            return each;
    }
    return *highest;
}

// The first of the round gets a turn, and becomes the last; one that has nothing ends once it owes
// nothing.
void flow_scheduler::give_turn(priority_level& in) noexcept {
    const auto place = in.round.front();
    auto& first = flows_[place];
    first.deficit += quantum() * first.weight;
    if (first.length == 0 && first.deficit >= 0)
        end(place);
    else
        in.round.rotate(flows_);
}

// Gives turns to those who owe some until it comes to one that has something left. It is not looked
// for beyond `looks_max`: then one has its turn early, and owes another one.
// @pre one in the round has something to run.
std::uint32_t flow_scheduler::next_in_round(priority_level& in) noexcept {
    auto early = support::no_place;
    for (int looks = 0;; ++looks) {
        if (looks >= looks_max && early != support::no_place) return early;
        const auto place = in.round.front();
        const auto& each = flows_[place];
        if (each.length != 0) {
            if (each.deficit > 0) return place;
            if (early == support::no_place) early = place;
        }
        give_turn(in);
    }
}

std::uint32_t flow_scheduler::next() noexcept {
    auto& in = next_level();
    const auto newcomers_max = newcomers_turns_max * static_cast<std::uint64_t>(quantum());
    if (in.waiting == in.newcomers_waiting) {
        in.newcomers_ran = 0;  // nobody waits for them
        if (!in.round.empty()) give_turn(in);
    } else if (in.newcomers.empty() || in.newcomers_ran >= newcomers_max) {
        return next_in_round(in);
    }
    return in.newcomers.front();
}

std::uint64_t flow_scheduler::ahead(const call_share& share) const noexcept {
    std::uint64_t before = 0;
    for (std::size_t higher = 0; higher < static_cast<std::size_t>(share.priority); ++higher)
        before += levels_[higher].waiting;
    const auto& in = level(share.priority);
    const auto turn = static_cast<std::uint64_t>(quantum());
    const auto borrowed = static_cast<std::uint64_t>(turns_borrowed_max) * turn;
    const auto first =
        std::min<std::uint64_t>(in.newcomers_waiting, in.newcomers_weight * borrowed);
    const auto place = find(share);
    std::uint64_t others = first;
    if (place != support::no_place) {
        const auto& of = flows_[place];
        const auto owed = static_cast<std::uint64_t>(std::max<std::int64_t>(-of.deficit, 0));
        // While it may borrow, only newcomers are before it; then all have their share.
        const bool first_again = of.newcomer || of.length == 0;
        if (!first_again || of.length + owed >= borrowed * of.weight) {
            const auto all = in.weight + (of.length == 0 ? of.weight : 0);
            others += (of.length + owed) * all / of.weight;
        }
    }
    return before + std::min<std::uint64_t>(in.waiting, others);
}

}  // namespace dunlin::actors
