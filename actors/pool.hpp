// SPDX-License-Identifier: Apache-2.0
//
// All activations of one function on one node, and its bounded queue.
//
// A bundle goes to an idle activation at once, or to one that is started for it, or waits in
// arrival order, or is refused when the queue is full: the pool never blocks and never grows beyond
// its limits. How many activations there are is an `elastic_policy`'s decision, on which threads
// they run a `placement`'s; the pool carries both out. It keeps nothing about single calls and
// never sees a reply. Owned by the node; safe from any thread. Its lock is short, and taken twice
// for a bundle: when it is submitted and when its activation is free again.
#pragma once

#include "actors/activation.hpp"
#include "actors/bundle.hpp"
#include "actors/decision_log.hpp"
#include "actors/elastic_set.hpp"
#include "actors/environment.hpp"
#include "actors/fair_jobs.hpp"
#include "actors/function_info.hpp"
#include "actors/key_turns.hpp"
#include "actors/outside_ticket.hpp"
#include "actors/placement.hpp"
#include "actors/pool_queue.hpp"
#include "actors/pool_work.hpp"
#include "actors/run_record.hpp"
#include "actors/scale_settings.hpp"
#include "actors/stop_courier.hpp"
#include "actors/useful_concurrency.hpp"
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

class state_space;

/// What a pool looks like at one moment.
struct pool_status {
    std::size_t activations = 0;
    std::size_t busy = 0;
    std::size_t queued = 0;  // invocations
    placement where = placement::lane;
    std::int64_t service_time_ns = 0;
    std::uint64_t invocations = 0;  // run since the start
    std::uint64_t refused = 0;
    std::uint64_t shed = 0;     // taken, and given up before they began
    std::uint64_t started = 0;  // activations, since the start of the node
    std::uint64_t retired = 0;
    std::uint64_t cold_calls = 0;    // invocations that an activation was started for
    std::int64_t start_cost_ns = 0;  // of the latest start
    std::size_t stuck = 0;           // calls that ought to have returned
    std::uint64_t arrived = 0;       // invocations that came, also those that were refused
    std::int64_t occupied_ns = 0;    // activations with a call, times how long
    std::int64_t existed_ns = 0;     // activations, times how long they have been there
};

/// How long calls wait for a pool's activations, as it is told to those who choose between nodes.
struct pool_wait {
    std::int64_t wait_ns = 0;     // of a call that came now, until it starts
    std::int64_t step_ns = 0;     // by how much each call makes that longer; 0: unknown
    std::int64_t service_ns = 0;  // of one call; 0: unknown
    std::uint32_t idle = 0;       // calls that would start at once
    float busy = 0;               // share of its servers' time in use recently, 0 to 1
    std::int64_t free_ns = 0;     // when a call would have started at once, at the latest look
    std::uint32_t in_flight = 0;  // calls that are unanswered
    std::uint32_t room = 0;       // see `cluster::load_report`
};

class pool {
public:
    /// Starts as many activations as there have to be at least.
    pool(caf::actor_system& system, environment env, function_info info,
         const scale_settings& settings, std::size_t queue_depth_max);
    ~pool();
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;

    /// Takes the bundle's invocations from the front, as many as may wait or run. The caller
    /// answers the rest, by `refuse_tail(work, from, why)`, before anything else can see them;
    /// `refusal` makes the error. Calls that waited here may be answered on the way, see
    /// `pool_queue`.
    /// @returns how many were taken.
    template <class Refuse>
    std::uint32_t submit(bundle_ptr work, Refuse&& refuse_tail) {
        auto left = work->size();
        auto told = space_ == nullptr ? take(work, left) : take_keyed(work);
        if (work && told.room != 0) {
            refused_.fetch_add(left - told.room, std::memory_order_relaxed);
            refuse_tail(*work, told.room, told.why);
            work->truncate(left = told.room);
            told = take(work, left);
        }
        if (!work) return left;
        refused_.fetch_add(left, std::memory_order_relaxed);
        refuse_tail(*work, 0U, told.why);
        return 0;
    }
    /// What so many calls are told that were not taken, and its record.
    [[nodiscard]] error refusal(const admission_decision& why, std::uint32_t calls = 1) const;

    /// Calls that waited for a key, which they hold now.
    void resume(key_grant held);
    /// So many have been answered, or sent on, and the activation that did goes on. Less than none:
    /// so many that counted as answered have not been, and wait for their keys again.
    void answered(std::int32_t count);
    /// An activation is ready for more: it has answered `count` invocations, its bundle. Called by
    /// the activation itself.
    void release(activation& ready, std::uint32_t count, std::int64_t now_ns);
    /// A blocking invocation was under way for `wall_ns`, and had a processor for so much of it.
    void record_processor(std::int64_t wall_ns, std::int64_t processor_ns, std::int64_t now_ns);
    /// So many more (or fewer) calls ought to have returned. They keep threads that are replaced,
    /// so others may run beside them.
    void count_stuck(int change);
    /// A running invocation has held its thread this long: the function is long.
    void record_held(std::int64_t held_ns) noexcept;
    /// What activations tell of what they run.
    [[nodiscard]] run_record& runs() noexcept { return runs_; }
    [[nodiscard]] const run_record& runs() const noexcept { return runs_; }

    /// Has a stop finished (`activation::finish_stop`) on a thread that its callback may hold.
    /// @returns false when the pool is shut down and has none.
    [[nodiscard]] bool pass_stop_on(stop_running stop);

    /// How many invocations a bundle for this function may hold now.
    [[nodiscard]] std::uint32_t bundle_capacity() const noexcept {
        return actors::bundle_capacity(where(), info_.async(), runs_.service());
    }
    [[nodiscard]] placement where() const noexcept { return runs_.where(); }
    /// When a refused caller should try again: the time the queue needs to empty.
    [[nodiscard]] std::chrono::microseconds retry_after() const;

    /// When nothing can leave the queue because all activations keep suspended invocations: a
    /// sentence that says so, to be appended to an error. Otherwise empty.
    [[nodiscard]] std::string why_queued() const;

    /// For what ends operations from outside; closed once the pool is shut down.
    [[nodiscard]] const std::shared_ptr<gate>& way_in() const noexcept { return way_in_; }
    [[nodiscard]] const function_info& info() const noexcept { return info_; }
    [[nodiscard]] const environment& env() const noexcept { return env_; }
    [[nodiscard]] std::size_t queue_depth_max() const noexcept { return queue_.room_max(); }
    [[nodiscard]] pool_status status() const;
    /// How long calls wait now, predicted.
    [[nodiscard]] pool_wait wait(std::int64_t now_ns);

    /// From now on. What waits and may run now starts; what is surplus ends by and by.
    void set_scale(const scale_settings& settings);
    [[nodiscard]] scale_settings scale() const;
    /// Of the time of lanes and of the scheduler, beside other functions; see `fair_jobs`.
    [[nodiscard]] std::uint32_t share() const noexcept {
        return share_.load(std::memory_order_relaxed);
    }

    struct look_result {
        /// When to look again; `elastic_policy::never`: when the pool asks for it.
        std::int64_t next_ns = elastic_policy::never;
        std::size_t retired = 0;
    };
    /// Ends the activations that are idle and not worth what they cost.
    look_result look(std::int64_t now_ns);
    /// Ends up to `count` of the activations that are idle, the coldest first: no invocation of
    /// theirs is unanswered, so no operation of theirs is open. Calls start others later.
    /// @returns how many it ended.
    std::size_t retire(std::size_t count);
    /// Ends all activations: waiting bundles are dropped, because their ports have answered. What
    /// runs at this moment runs on, and counts as busy until it has returned.
    void shut_down();

private:
    using held_lock = std::unique_lock<std::mutex>;

    struct verdict {
        admission_decision why{.reason = admission_reason::full};
        std::uint32_t room = 0;  // of the bundle's invocations, so many can be taken
    };
    /// Takes the whole bundle, which is null then, or leaves it as it is.
    [[nodiscard]] verdict take_keyed(bundle_ptr& work);
    /// `count`: of its invocations, to be counted as taken.
    [[nodiscard]] verdict take(bundle_ptr& work, std::size_t count);
    [[nodiscard]] pool_work take_next(pool_queue::drops& dropped);
    void answer(pool_queue::drops& dropped);
    [[nodiscard]] service_pace pace() const;
    [[nodiscard]] activation* start_one(held_lock& lock, scaling_reason why);
    void fill(held_lock& lock);
    void set_bounds(held_lock& lock);
    [[nodiscard]] std::size_t servers() const;
    [[nodiscard]] std::int64_t occupied_by_one_ns(std::size_t at_once) const noexcept;
    void look_at_held(held_lock& lock, std::int64_t now_ns);

    environment env_;
    function_info info_;
    state_space* const space_;
    run_record runs_;
    decision_series* const decided_;  // null: nobody keeps records
    const std::shared_ptr<gate> way_in_ = std::make_shared<gate>();

    activation_table table_;

    mutable std::mutex mutex_;
    scale_settings settings_;
    std::atomic<std::uint32_t> share_;
    elastic_set activations_;
    useful_concurrency useful_;
    pool_queue queue_;
    std::deque<key_grant> granted_;  // calls that hold their keys, and wait for an activation
    caf::intrusive_ptr<stop_courier> stops_;  // null: no stop has had a callback yet
    std::size_t unanswered_ = 0;              // invocations taken, whose bundle has not ended
    std::uint64_t taken_ = 0;                 // ... and all that ever were
    std::uint64_t pushed_out_ = 0;            // of these, refused after all
    std::int64_t held_median_ns_ =
        0;  // of those that are busy, when all servers are taken by long calls
    std::int64_t held_due_ns_ = 0;           // the next look at that
    std::int64_t free_ns_ = 0;               // the last look that found a server free
    cluster::busy_share busy_;               // activations
    cluster::busy_share held_;               // threads, by functions that may wait without one
    std::atomic<std::uint64_t> refused_{0};  // not taken
    std::atomic<std::uint64_t> shed_{0};
    std::atomic<std::uint64_t> cold_calls_{0};
    bool closed_ = false;
};

}  // namespace dunlin::actors
