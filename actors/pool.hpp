// SPDX-License-Identifier: Apache-2.0
//
// All activations of one function on one node, and its bounded queue.
//
// A bundle goes to an idle activation at once, or waits in arrival order, or is refused when the
// queue is full: the pool never blocks and never grows beyond its limit. How many activations
// there are is a `scaling_policy`'s decision, on which threads they run a `placement`'s; the pool
// carries both out. It keeps nothing about single calls and never sees a reply.
// Owned by the node; safe from any thread. Its lock is short, and taken twice for a bundle: when it
// is submitted and when its activation is free again.
#pragma once

#include "actors/activation.hpp"
#include "actors/bundle.hpp"
#include "actors/environment.hpp"
#include "actors/function_info.hpp"
#include "actors/latency_counts.hpp"
#include "actors/occupied_time.hpp"
#include "actors/outside_ticket.hpp"
#include "actors/placement.hpp"
#include "actors/scaling_policy.hpp"
#include "actors/service_time.hpp"
#include "actors/stop_courier.hpp"
#include "cluster/busy_share.hpp"

#include <caf/actor_system.hpp>
#include <caf/intrusive_ptr.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace dunlin::actors {

/// What a pool looks like at one moment.
struct pool_status {
    std::size_t activations = 0;
    std::size_t busy = 0;
    std::size_t queued = 0;  // invocations
    placement where = placement::lane;
    std::int64_t service_time_ns = 0;
    std::uint64_t invocations = 0;  // run since the start
    std::uint64_t refused = 0;
    std::size_t stuck = 0;  // calls that ought to have returned
};

/// How long calls wait for a pool's activations, as it is told to those who choose between nodes.
struct pool_wait {
    std::int64_t wait_ns = 0;     // of a call that came now, until it starts
    std::int64_t step_ns = 0;     // by how much each call makes that longer; 0: unknown
    std::int64_t service_ns = 0;  // of one call; 0: unknown
    std::uint32_t idle = 0;       // calls that would start at once
    float busy = 0;               // share of its servers' time in use recently, 0 to 1
    std::int64_t free_ns = 0;     // when a call would have started at once, at the latest look
};

class pool {
public:
    pool(caf::actor_system& system, environment env, function_info info,
         std::unique_ptr<scaling_policy> scaling, std::size_t queue_depth_max);
    ~pool();
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;

    /// Takes the bundle's invocations from the front, as many as there is room for. The caller
    /// answers the rest, which is what `refuse_tail` is for, before anything else can see them.
    /// @returns how many were taken.
    template <class Refuse>
    std::uint32_t submit(bundle_ptr work, Refuse&& refuse_tail) {
        const auto count = work->size();
        if (take_whole(work)) return count;
        const auto room = admit(count);
        if (room < count) {
            refuse_tail(*work, room);
            work->truncate(room);
        }
        if (room != 0) take_admitted(std::move(work));
        return room;
    }

    /// An activation is ready for more: it has answered `count` invocations, its bundle. Called by
    /// the activation itself.
    void release(activation& ready, std::uint32_t count);
    /// `count` invocations began and held a thread for `total_ns` together.
    void record(std::int64_t total_ns, std::uint32_t count) noexcept;
    /// A suspended invocation went on and held a thread for `held_ns`.
    void record_step(std::int64_t held_ns) noexcept;
    /// An invocation of a function that may suspend occupied its activation for so long, from its
    /// start to its answer: as long as it held a thread, and while it waited.
    void record_occupancy(std::int64_t total_ns) noexcept { occupancy_.record(total_ns, 1); }
    /// For how long activations are occupied, which they tell themselves.
    [[nodiscard]] occupied_time& occupied() noexcept { return occupied_; }
    /// So many invocations that came from outside were answered so long after they arrived.
    void record_latency(std::int64_t latency_ns, std::uint32_t count) noexcept {
        latencies_.record(latency_ns, count);
    }
    [[nodiscard]] const latency_counts& latencies() const noexcept { return latencies_; }
    /// A running invocation has held its thread this long: the function is long.
    void record_held(std::int64_t held_ns) noexcept;

    /// An activation keeps a suspended invocation from now on, or no longer.
    void count_suspended(bool more) noexcept {
        suspended_.fetch_add(more ? 1 : std::size_t(-1), std::memory_order_relaxed);
    }
    /// So many more (or fewer) of its calls ought to have returned, and hold a thread.
    void count_stuck(int change) noexcept { stuck_.fetch_add(change, std::memory_order_relaxed); }

    /// Has a stop finished (`activation::finish_stop`) on a thread that its callback may hold.
    /// @returns false when the pool is shut down and has none.
    [[nodiscard]] bool pass_stop_on(stop_running stop) { return stops_->take(std::move(stop)); }

    /// How many invocations a bundle for this function may hold now.
    [[nodiscard]] std::uint32_t bundle_capacity() const noexcept {
        return actors::bundle_capacity(where(), info_.async(), service_time_);
    }
    [[nodiscard]] placement where() const noexcept {
        return where_.load(std::memory_order_relaxed);
    }
    /// When a refused caller should try again: the time the queue needs to empty.
    [[nodiscard]] std::chrono::microseconds retry_after() const;

    /// When nothing can leave the queue because all activations keep suspended invocations: a
    /// sentence that says so, to be appended to an error. Otherwise empty.
    [[nodiscard]] std::string why_queued() const;

    /// For what ends operations from outside; closed once the pool is shut down.
    [[nodiscard]] const std::shared_ptr<gate>& way_in() const noexcept { return way_in_; }
    [[nodiscard]] const function_info& info() const noexcept { return info_; }
    [[nodiscard]] const environment& env() const noexcept { return env_; }
    [[nodiscard]] std::size_t queue_depth_max() const noexcept { return queue_depth_max_; }
    [[nodiscard]] pool_status status() const;
    /// How long calls wait now, predicted.
    [[nodiscard]] pool_wait wait(std::int64_t now_ns);

    /// Ends up to `count` of the activations that are idle, the coldest first: no invocation of
    /// theirs is unanswered, so no operation of theirs is open. The policy may have others spawned
    /// later.
    /// @returns how many it ended.
    std::size_t retire(std::size_t count);
    /// Ends all activations: waiting bundles are dropped, because their ports have answered. What
    /// runs at this moment runs on, and counts as busy until it has returned.
    void shut_down();

private:
    using held_lock = std::unique_lock<std::mutex>;

    /// @returns false, and leaves the bundle as it is, unless there is room for all of it.
    [[nodiscard]] bool take_whole(bundle_ptr& work);
    /// Makes room for some of a bundle, so that its tail can be refused without the lock.
    [[nodiscard]] std::uint32_t admit(std::uint32_t wanted);
    void take_admitted(bundle_ptr work);
    void dispatch(bundle_ptr work, held_lock& lock);
    void spawn_idle(held_lock& lock);
    void note_time(std::int64_t total_ns, std::uint32_t count) noexcept;
    [[nodiscard]] pool_load load() const;
    [[nodiscard]] std::size_t servers() const;
    [[nodiscard]] std::int64_t occupied_by_one_ns(std::size_t at_once) const noexcept;
    void look_at_held(held_lock& lock, std::int64_t now_ns);

    environment env_;
    function_info info_;
    std::unique_ptr<scaling_policy> scaling_;
    std::size_t queue_depth_max_;
    service_time service_time_;
    service_time occupancy_;
    latency_counts latencies_;
    occupied_time occupied_;
    std::atomic<placement> where_;
    std::atomic<std::uint64_t> invocations_{0};
    std::atomic<int> stuck_{0};
    std::atomic<std::size_t> suspended_{0};
    const std::shared_ptr<gate> way_in_ = std::make_shared<gate>();

    const caf::intrusive_ptr<stop_courier> stops_;
    activation_table table_;

    mutable std::mutex mutex_;
    std::size_t activations_ = 0;
    std::vector<activation*> idle_;  // the one used last is used next: its memory is warm
    std::deque<bundle_ptr> queue_;
    std::size_t queued_ = 0;      // invocations in the queue, and admitted on their way into it
    std::size_t unanswered_ = 0;  // invocations admitted, whose bundle has not ended
    std::int64_t held_median_ns_ =
        0;  // of those that are busy, when all servers are taken by long calls
    std::int64_t held_due_ns_ = 0;  // the next look at that
    std::int64_t free_ns_ = 0;      // the last look that found a server free
    cluster::busy_share busy_;
    std::uint64_t refused_ = 0;
    bool closed_ = false;
};

}  // namespace dunlin::actors
