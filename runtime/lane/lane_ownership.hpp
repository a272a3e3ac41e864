// SPDX-License-Identifier: Apache-2.0
//
// Which thread serves a lane, and how another one takes it over.
//
// A function that runs on a lane may keep its thread for as long as it likes, and everything else
// on the lane would wait behind it. So the lane belongs to whichever thread serves it. The phase
// tells what that thread does: even in the lane's own code, odd in user code, a new value at every
// entry. Before user code runs, the lane is in a consistent state; then one exchange of the phase
// decides between the thread, which comes back, and the watchdog, which gives the lane to another
// one. The loser touches nothing of the lane any more.
//
// `lane_ownership` is the lane's: `phase`, `take_over` and `threads_lost` are for the watchdog's
// thread, `owned_here` for any, `start` and `join` for the lane's owner, the rest for the thread
// that serves. A `lane_thread` belongs to the thread that made it.
#pragma once

#include "actors/fair_jobs.hpp"
#include "actors/run_unit.hpp"
#include "support/counter.hpp"

#include <caf/actor_system.hpp>
#include <caf/resumable.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

namespace dunlin::runtime {

class lane_ownership;

/// A thread that serves a lane, as a CAF execution unit.
class lane_thread final : public actors::run_unit {
public:
    /// What became ready on the lane is appended to `ready`.
    lane_thread(caf::actor_system& system, lane_ownership& owned, actors::fair_jobs& ready);
    void exec_later(caf::resumable* job) override;
    void enter_user_code(actors::pool& running) noexcept override;
    void leave_user_code() noexcept override;
    /// Shows the watchdog that the lane has work after it slept.
    void stir() noexcept;
    /// Another thread serves the lane now.
    [[nodiscard]] bool lost() const noexcept { return lost_; }

private:
    lane_ownership& owned_;
    actors::fair_jobs& ready_;
    std::uint64_t phase_ = 0;
    bool lost_ = false;
};

class lane_ownership {
public:
    /// Serves on the calling thread until the lane has ended, and calls `acquire` first and
    /// `release` last. @returns false, without a `release`, when the lane was lost on the way.
    using serving = std::function<bool()>;

    lane_ownership(serving serve, support::counter& takeovers)
        : serve_(std::move(serve)),
          takeovers_(takeovers) {}

    /// Throws when no thread can be made.
    void start();
    /// Whether there is a thread to wait for.
    [[nodiscard]] bool started() const noexcept { return started_; }
    /// Returns when the lane has ended. @pre `started()`.
    void join();

    void acquire(lane_thread& unit) noexcept;
    /// The lane has ended: its last thread is about to go.
    void release() noexcept;
    /// Whether the calling thread is the one that serves.
    [[nodiscard]] bool owned_here() const noexcept;

    [[nodiscard]] std::uint64_t phase() const noexcept {
        return phase_.load(std::memory_order_seq_cst);
    }
    /// Gives the lane to a new thread if it still is in the user code of `phase`.
    /// @returns whether it was taken.
    bool take_over(std::uint64_t phase, std::int64_t held_ns);
    /// Threads that lost the lane and have not come back yet.
    [[nodiscard]] std::size_t threads_lost() const noexcept { return threads_lost_->load(); }

private:
    friend class lane_thread;

    [[nodiscard]] std::thread make_thread(std::future<bool> chosen);
    void let_serve(std::thread next, std::promise<bool>& chosen);

    const serving serve_;
    support::counter& takeovers_;
    std::atomic<std::uint64_t> phase_{0};
    std::atomic<actors::pool*> running_{nullptr};
    std::atomic<lane_thread*> owner_{nullptr};
    // Shared with the threads themselves: one that comes back late may outlive the lane.
    std::shared_ptr<std::atomic<std::size_t>> threads_lost_ =
        std::make_shared<std::atomic<std::size_t>>(0);
    std::mutex mutex_;
    std::thread thread_;  // the one that serves
    std::atomic<bool> ended_{false};
    bool started_ = false;                    // for the owner
    std::uint64_t phase_without_thread_ = 0;  // for the watchdog: said already
};

}  // namespace dunlin::runtime
