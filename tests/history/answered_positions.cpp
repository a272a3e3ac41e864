// SPDX-License-Identifier: Apache-2.0
#include "tests/history/answered_positions.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace dunlin::history {

namespace {

constexpr auto never = std::numeric_limits<std::int64_t>::max();

verdict bad(std::string why, std::vector<const operation*> shown) {
    verdict found{judgement::not_linearizable, std::move(why), {}, 0};
    std::sort(shown.begin(), shown.end(),
              [](const auto* a, const auto* b) { return a->called_ns < b->called_ns; });
    for (const auto* each : shown) found.window.push_back(*each);
    return found;
}

/// An answered operation and its place: writes make it, reads come behind it.
struct placed {
    std::uint64_t count;
    const operation* which;
    [[nodiscard]] auto rank() const { return std::pair(count, which->writes() ? 0 : 1); }
};

class positions {
public:
    explicit positions(std::span<const operation> all) : all_(all) {
        for (const auto& each : all) by_id_.emplace(each.id, &each);
    }

    verdict judge() {
        for (auto step : {&positions::place_writes, &positions::place_entries,
                          &positions::compare_times, &positions::fill_gaps})
            if (auto found = (this->*step)(); !found.good()) return found;
        return {};
    }

private:
    // Each write that was answered has a place of its own.
    verdict place_writes() {
        for (const auto& each : all_) {
            if (!each.answered()) continue;
            const auto count = each.count ? *each.count : each.entries->size();
            in_order_.push_back({count, &each});
            if (!each.writes()) continue;
            if (count == 0) return bad("a write answers that there is nothing", {&each});
            const auto [at, fresh] = writes_.emplace(count, &each);
            if (!fresh)
                return bad(
                    "two writes answer the same count, so one was lost or the count was "
                    "taken back",
                    {at->second, &each});
        }
        std::sort(in_order_.begin(), in_order_.end(), [](const placed& a, const placed& b) {
            return std::tuple(a.rank(), a.which->called_ns) <
                   std::tuple(b.rank(), b.which->called_ns);
        });
        return {};
    }

    // What reads show at a place is the write that was answered with it, or pins one that was not.
    verdict place_entries() {
        for (const auto& [count, write] : writes_)
            if (write->what == action::append) {
                entries_.emplace(count, std::pair(write->id, write));
                places_.emplace(write->id, std::pair(count, write));
            }
        for (const auto& each : all_) {
            if (!each.answered() || !each.entries) continue;
            if (each.count && *each.count != each.entries->size())
                return bad("a read answers a count that is not that of its entries", {&each});
            for (std::uint64_t i = 0; i < each.entries->size(); ++i)
                if (auto found = place_entry(i + 1, (*each.entries)[i], each); !found.good())
                    return found;
        }
        return {};
    }

    verdict place_entry(std::uint64_t place, std::uint64_t entry, const operation& seen_by) {
        const auto known = entries_.find(place);
        if (known != entries_.end() && known->second.first == entry) return {};
        const auto source = by_id_.find(entry);
        if (source == by_id_.end() || source->second->what != action::append)
            return bad("entry " + std::to_string(entry) + " was read and never appended",
                       {&seen_by});
        if (source->second->how == ending::not_run)
            return bad("entry " + std::to_string(entry) +
                           " was read, and its append is known not to have happened",
                       {source->second, &seen_by});
        const auto other = places_.find(entry);
        if (other != places_.end())
            return bad("entry " + std::to_string(entry) + " stands at place " +
                           std::to_string(other->second.first) + " and at place " +
                           std::to_string(place) + ": applied twice, or the list was rewritten",
                       {source->second, other->second.second, &seen_by});
        if (known != entries_.end())
            return bad("place " + std::to_string(place) + " has had entry " +
                           std::to_string(known->second.first) + " and entry " +
                           std::to_string(entry) + ": an acknowledged append was lost",
                       {known->second.second, &seen_by});
        entries_.emplace(place, std::pair(entry, &seen_by));
        places_.emplace(entry, std::pair(place, &seen_by));
        return {};
    }

    // Nothing has ended before something that stands before it was called.
    verdict compare_times() {
        const operation* last_called = nullptr;  // of those that stand before
        for (std::size_t from = 0; from < in_order_.size();) {
            auto to = from;
            while (to < in_order_.size() && in_order_[to].rank() == in_order_[from].rank()) ++to;
            for (auto i = from; i < to; ++i) {
                const auto* which = in_order_[i].which;
                if (last_called != nullptr && last_called->called_ns > which->ended_ns)
                    return bad(
                        "one ended before the other was called, and answers what comes "
                        "after it: a stale read, or a write that was lost",
                        {last_called, which});
            }
            for (auto i = from; i < to; ++i)
                if (last_called == nullptr ||
                    in_order_[i].which->called_ns > last_called->called_ns)
                    last_called = in_order_[i].which;
            from = to;
        }
        return {};
    }

    // Places that no answer tells are those of writes without an answer. Such a write stands no
    // earlier than it was called, and before all that has a later place has ended.
    verdict fill_gaps() {
        const auto count_max = in_order_.empty() ? 0 : in_order_.back().count;
        std::vector<const operation*> free;
        for (const auto& each : all_)
            if (each.writes() && each.how == ending::unknown && !places_.contains(each.id))
                free.push_back(&each);
        std::sort(free.begin(), free.end(),
                  [](const auto* a, const auto* b) { return a->called_ns < b->called_ns; });
        const auto unknown = static_cast<std::uint64_t>(std::count_if(
            all_.begin(), all_.end(),
            [](const auto& each) { return each.writes() && each.how == ending::unknown; }));
        if (count_max > writes_.size() + unknown)
            return bad("the count " + std::to_string(count_max) + " was answered, and only " +
                           std::to_string(writes_.size() + unknown) +
                           " writes can have happened: something was applied twice",
                       {in_order_.back().which});
        // From the last place to the first: when the earliest of what stands behind has ended.
        struct gap {
            std::int64_t before_ns;
            const operation* ends_first;
        };
        std::vector<gap> gaps;
        std::int64_t earliest_ns = never;
        const operation* earliest = nullptr;
        auto at = in_order_.rbegin();
        for (auto place = count_max; place > 0; --place) {
            // Reads behind this place, and everything later.
            for (; at != in_order_.rend() && at->count >= place; ++at) {
                if (at->count == place && at->which->writes()) break;
                if (at->which->ended_ns < earliest_ns) {
                    earliest_ns = at->which->ended_ns;
                    earliest = at->which;
                }
            }
            if (writes_.contains(place)) continue;
            const auto pinned = entries_.find(place);
            if (pinned == entries_.end()) {
                gaps.push_back({earliest_ns, earliest});
                continue;
            }
            const auto* source = by_id_.at(pinned->second.first);
            if (source->called_ns > earliest_ns)
                return bad("an entry was seen, by its place, before it was appended",
                           {source, earliest});
        }
        // Gaps are by place, the last first, and so by time.
        std::reverse(gaps.begin(), gaps.end());
        for (std::size_t i = 0; i < gaps.size(); ++i) {
            if (i >= free.size())
                return bad("more writes have happened than can have: something was applied twice",
                           {gaps[i].ends_first});
            if (free[i]->called_ns > gaps[i].before_ns)
                return bad("the count was answered before enough writes had been called",
                           {gaps[i].ends_first, free[i]});
        }
        return {};
    }

    const std::span<const operation> all_;
    std::unordered_map<std::uint64_t, const operation*> by_id_;
    std::vector<placed> in_order_;
    std::map<std::uint64_t, const operation*> writes_;  // answered ones, by place
    /// What stands at a place, and who says so; and the other way round.
    std::unordered_map<std::uint64_t, std::pair<std::uint64_t, const operation*>> entries_;
    std::unordered_map<std::uint64_t, std::pair<std::uint64_t, const operation*>> places_;
};

}  // namespace

bool tells_positions(std::span<const operation> of_one_key) {
    return std::all_of(of_one_key.begin(), of_one_key.end(), [](const operation& each) {
        if (each.what == action::erase) return each.how == ending::not_run;
        return !each.answered() || each.count || (each.entries && !each.writes());
    });
}

verdict by_answered_positions(std::span<const operation> of_one_key) {
    return positions(of_one_key).judge();
}

}  // namespace dunlin::history
