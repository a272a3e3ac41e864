// SPDX-License-Identifier: Apache-2.0
//
// What is ready to run on a lane or on the scheduler, in an order that is fair to functions.
//
// In one queue for all, a function with a thousand ready activations has a thousand turns for one
// of another's. Here each function has a queue of its own, and they take turns by the time that
// they have used: deficit round robin (Shreedhar and Varghese, "Efficient Fair Queuing using
// Deficit Round Robin", 1995), charged after the fact, since nobody knows before how long a job
// takes (surplus round robin). A function has a balance of time; one whose balance is used up lets
// all others by and is given more, in proportion to its share. So a function that comes now and
// then waits for one turn of each other one, however much those have.
//
// Guarantees: within a function jobs run in order; a function that is alone never waits; nothing is
// lost. `push`, `pop` and `charge` take constant time, and allocate only when there are more jobs
// or functions than ever before. No clock, no lock: time is handed in, and whoever owns it guards
// it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace caf {
class resumable;
}

namespace dunlin::actors {

class fair_jobs {
public:
    /// Of a function that nobody has given another one.
    static constexpr std::uint32_t usual_share = 8;
    using flow_index = std::uint32_t;

    struct job {
        caf::resumable* what = nullptr;
        flow_index of = 0;  // for `charge` and `push_again`
    };

    /// `turn_ns`: what a function of the usual share may use before others are let by.
    explicit fair_jobs(std::int64_t turn_ns) noexcept : turn_ns_(turn_ns) {}

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// `function`: whatever names it; null for what belongs to none.
    void push(caf::resumable* what, const void* function, std::uint32_t share = usual_share) {
        const auto of = flow_of(function);
        flows_[of].share = std::max<std::uint32_t>(share, 1);
        push_again({what, of});
    }
    /// A job that was taken and has more to do.
    void push_again(job more) {
        auto& to = flows_[more.of];
        const auto place = add_node(more.what);
        if (to.first == none) {
            to.first = place;
            // What it owes while nobody else waits it owes to nobody.
            if (size_ == 0) to.balance_ns = std::max<std::int64_t>(to.balance_ns, 0);
            // With one job at a time its turn would end with each, however short that was.
            to.has_turn = to.has_turn && to.balance_ns > 0;
            if (to.has_turn)
                to_ring_first(more.of);
            else
                to_ring_last(more.of);
        } else {
            nodes_[to.last].next = place;
        }
        to.last = place;
        ++size_;
    }
    /// @pre not empty
    [[nodiscard]] job pop() noexcept {
        while (!begins_or_has_turn(flows_[ring_first_])) {
            const auto spent = ring_first_;
            if (ring_first_ == ring_last_) break;  // alone
            from_ring();
            to_ring_last(spent);
        }
        const auto of = ring_first_;
        auto& from = flows_[of];
        const auto place = from.first;
        const job taken{nodes_[place].what, of};
        from.first = nodes_[place].next;
        if (from.first == none) from_ring();
        nodes_[place].next = unused_;
        unused_ = place;
        --size_;
        return taken;
    }
    /// A job of that function has held its thread for so long.
    void charge(flow_index of, std::int64_t held_ns) noexcept {
        auto& user = flows_[of];
        user.balance_ns = std::max(user.balance_ns - held_ns, -debt_turns_max * turn_ns_);
    }

private:
    static constexpr auto none = std::numeric_limits<std::uint32_t>::max();
    /// Beyond it a function's debt is forgiven: one long job must not keep it out for seconds.
    static constexpr std::int64_t debt_turns_max = 64;

    struct node {
        caf::resumable* what;
        std::uint32_t next;
    };
    struct flow {
        std::int64_t balance_ns = 0;
        std::uint32_t share = usual_share;
        bool has_turn = false;
        std::uint32_t first = none;  // of its jobs
        std::uint32_t last = none;
        flow_index next = none;  // in the ring of those that have jobs
    };

    /// A turn begins with more time, and ends when that is used up.
    [[nodiscard]] bool begins_or_has_turn(flow& first) const noexcept {
        if (!std::exchange(first.has_turn, true))
            first.balance_ns += turn_ns_ * first.share / usual_share;
        if (first.balance_ns > 0) return true;
        first.has_turn = false;
        return false;
    }
    [[nodiscard]] flow_index flow_of(const void* function) {
        if (!flows_.empty() && function == latest_) return latest_flow_;
        const auto [at, added] =
            index_.try_emplace(function, static_cast<flow_index>(flows_.size()));
        if (added) flows_.emplace_back();
        latest_ = function;
        latest_flow_ = at->second;
        return latest_flow_;
    }
    [[nodiscard]] std::uint32_t add_node(caf::resumable* what) {
        if (unused_ == none) {
            nodes_.push_back({what, none});
            return static_cast<std::uint32_t>(nodes_.size() - 1);
        }
        const auto place = unused_;
        unused_ = nodes_[place].next;
        nodes_[place] = {what, none};
        return place;
    }
    void to_ring_first(flow_index added) noexcept {
        flows_[added].next = ring_first_;
        ring_first_ = added;
        if (ring_last_ == none) ring_last_ = added;
    }
    void to_ring_last(flow_index added) noexcept {
        flows_[added].next = none;
        if (ring_first_ == none)
            ring_first_ = added;
        else
            flows_[ring_last_].next = added;
        ring_last_ = added;
    }
    void from_ring() noexcept {
        ring_first_ = flows_[ring_first_].next;
        if (ring_first_ == none) ring_last_ = none;
    }

    std::int64_t turn_ns_;
    std::vector<flow> flows_;  // one for each function that has ever come here
    std::unordered_map<const void*, flow_index> index_;
    const void* latest_ = nullptr;
    flow_index latest_flow_ = 0;
    std::vector<node> nodes_;
    std::uint32_t unused_ = none;
    flow_index ring_first_ = none;
    flow_index ring_last_ = none;
    std::size_t size_ = 0;
};

}  // namespace dunlin::actors
