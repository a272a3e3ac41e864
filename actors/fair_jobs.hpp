// SPDX-License-Identifier: Apache-2.0
//
// What is ready to run on a lane or on the scheduler, in an order that is fair to functions.
//
// In one queue for all, a function with a thousand ready activations has a thousand turns for one
// of another's. Here each function has a queue of its own, and the next job is one of the function
// that has used the least time for its share: start-time fair queueing (Goyal, Vin and Cheng,
// SIGCOMM 1996), charged after the fact, since nobody knows before how long a job takes. A function
// that comes back after a while begins where the others are: it gains nothing by having been away,
// and is next or nearly so.
//
// Guarantees: within a function jobs run in order; a function that is alone never waits; however
// large the shares of others are, it waits for one of their jobs before its first; nothing is lost.
// `push` and `pop` take a time that grows with the logarithm of the functions that have jobs, and
// allocate only when there are more jobs or functions than before; what many jobs took is given
// back when there are none. No clock, no lock: time is handed in. Owned by a lane, or by the
// scheduler and guarded by its lock.
#pragma once

#include "support/kept_capacity.hpp"
#include "support/slab.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <unordered_map>
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

    /// `debt_ns_max`: what a function of the usual share may be behind for at most. Beyond it time
    /// is forgiven: one long job must not keep a function out for seconds.
    explicit fair_jobs(std::int64_t debt_ns_max) noexcept : debt_ns_max_(debt_ns_max) {}

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Jobs that there is memory for.
    [[nodiscard]] std::size_t places() const noexcept { return nodes_.capacity(); }

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
            to.used_ns = std::max(to.used_ns, now_ns_);
            enter(more.of);
        } else {
            nodes_[to.last].next = place;
        }
        to.last = place;
        ++size_;
    }
    /// @pre not empty
    [[nodiscard]] job pop() {
        const auto of = least_used();
        auto& from = flows_[of];
        now_ns_ = std::max(now_ns_, from.used_ns);
        const auto place = from.first;
        const job taken{nodes_[place].what, of};
        from.first = nodes_[place].next;
        if (from.first == none) leave_first();
        nodes_.give_back(place);
        if (--size_ == 0 && nodes_.bytes() > support::empty_bytes_kept) nodes_ = {};
        return taken;
    }
    /// A job of that function has held its thread for so long.
    void charge(flow_index of, std::int64_t held_ns) noexcept {
        auto& user = flows_[of];
        const auto counted = std::clamp<std::int64_t>(held_ns, 0, debt_ns_max_) * usual_share;
        user.used_ns = std::min(user.used_ns + counted / user.share, now_ns_ + debt_ns_max_);
    }

private:
    static constexpr auto none = std::numeric_limits<std::uint32_t>::max();

    struct node {
        caf::resumable* what = nullptr;
        std::uint32_t next = none;
    };
    struct flow {
        std::int64_t used_ns = 0;  // virtual: of the usual share
        std::uint32_t share = usual_share;
        std::uint32_t first = none;  // of its jobs
        std::uint32_t last = none;
    };
    /// Of a function with jobs. `used_ns` may lag behind the flow's, never be ahead.
    struct contender {
        std::int64_t used_ns;
        std::uint64_t order;  // who has waited longer, of two that have used as much
        flow_index of;
        [[nodiscard]] bool operator<(const contender& other) const noexcept {
            return used_ns != other.used_ns ? used_ns > other.used_ns : order > other.order;
        }
    };

    void enter(flow_index of) {
        contenders_.push_back({flows_[of].used_ns, ++entered_, of});
        std::push_heap(contenders_.begin(), contenders_.end());
    }
    void leave_first() noexcept {
        std::pop_heap(contenders_.begin(), contenders_.end());
        contenders_.pop_back();
    }
    // What was charged since a function entered is looked at only when it would be next.
    [[nodiscard]] flow_index least_used() {
        for (;;) {
            const auto of = contenders_.front().of;
            if (contenders_.front().used_ns == flows_[of].used_ns) return of;
            leave_first();
            enter(of);
        }
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
        const auto place = nodes_.take();
        nodes_[place] = {what, none};
        return place;
    }

    std::int64_t debt_ns_max_;
    std::vector<flow> flows_;  // one for each function that has ever come here
    std::unordered_map<const void*, flow_index> index_;
    const void* latest_ = nullptr;
    flow_index latest_flow_ = 0;
    support::slab<node> nodes_;
    std::vector<contender> contenders_;  // a heap, the least used first
    std::uint64_t entered_ = 0;
    std::int64_t now_ns_ = 0;  // virtual: what those who run have used
    std::size_t size_ = 0;
};

}  // namespace dunlin::actors
