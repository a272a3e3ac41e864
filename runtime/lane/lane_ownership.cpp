// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/lane_ownership.hpp"

#include "actors/pool.hpp"
#include "runtime/log.hpp"
#include "support/signal_mask.hpp"
#include "support/tsan.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>

#include <system_error>
#include <utility>

namespace dunlin::runtime {

namespace {

// The phase: the lowest bit says user code, the others count the entries.
constexpr std::uint64_t in_user_code = 1;
constexpr std::uint64_t next_phase = 2;

}  // namespace

// -- the thread ------------------------------------------------------------------------------

lane_thread::lane_thread(caf::actor_system& system, lane_ownership& owned, actors::fair_jobs& ready)
    : actors::run_unit(&system),
      owned_(owned),
      ready_(ready),
      phase_(owned.phase_.load()) {}

void lane_thread::exec_later(caf::resumable* job) {
    if (lost_) return system().scheduler().enqueue(job);
    const auto* function = take_announced();
    ready_.push(job, function,
                function == nullptr ? actors::fair_jobs::usual_share : function->share());
}

void lane_thread::enter_user_code(actors::pool& running) noexcept {
    if (lost_) return;
    owned_.running_.store(&running, std::memory_order_relaxed);
    phase_ += next_phase;
    support::tsan_release(&owned_);
    // Release: the thread that takes the lane over has to see what this thread did to it.
    owned_.phase_.store(phase_ | in_user_code, std::memory_order_release);
}

// Sequentially consistent, as the alarm asks: the phase moves before `lane_alarm::ring` looks
// whether the watchdog sleeps.
void lane_thread::stir() noexcept {
    phase_ += next_phase;
    owned_.phase_.store(phase_, std::memory_order_seq_cst);
}

void lane_thread::leave_user_code() noexcept {
    if (lost_) return;
    std::uint64_t mine = phase_ | in_user_code;
    if (owned_.phase_.compare_exchange_strong(mine, phase_, std::memory_order_acq_rel)) return;
    lost_ = true;
    actors::run_unit::set_current(nullptr);
}

// -- the lane's side -------------------------------------------------------------------------

void lane_ownership::start() {
    std::promise<bool> chosen;
    auto first = make_thread(chosen.get_future());
    started_ = true;
    let_serve(std::move(first), chosen);
}

// Started before it is known whether it will serve: a thread that cannot be made has to be found
// out while the lane still has one.
std::thread lane_ownership::make_thread(std::future<bool> chosen) {
    const support::signals_blocked no_signals;
    // Copies, for one that has lost the lane may come back when the lane is gone.
    return std::thread(
        [serve = serve_, lost = threads_lost_, chosen = std::move(chosen)]() mutable {
            if (!chosen.get()) return;
            if (!serve()) lost->fetch_sub(1);
        });
}

void lane_ownership::let_serve(std::thread next, std::promise<bool>& chosen) {
    support::tsan_release(this);
    const std::lock_guard lock(mutex_);
    // One that lost the lane ends by itself, when its function returns.
    if (thread_.joinable()) thread_.detach();
    thread_ = std::move(next);
    chosen.set_value(true);
}

void lane_ownership::join() {
    ended_.wait(false);
    const std::lock_guard lock(mutex_);
    thread_.join();
    started_ = false;
}

void lane_ownership::acquire(lane_thread& unit) noexcept {
    support::tsan_acquire(this);
    owner_.store(&unit, std::memory_order_relaxed);
    actors::run_unit::set_current(&unit);
}

void lane_ownership::release() noexcept {
    actors::run_unit::set_current(nullptr);
    owner_.store(nullptr, std::memory_order_relaxed);
    support::tsan_release(this);
    ended_.store(true);
    ended_.notify_all();
}

bool lane_ownership::owned_here() const noexcept {
    auto* unit = actors::run_unit::current();
    return unit != nullptr && unit == owner_.load(std::memory_order_relaxed);
}

bool lane_ownership::take_over(std::uint64_t phase, std::int64_t held_ns) {
    if ((phase & in_user_code) == 0) return false;
    auto* running = running_.load(std::memory_order_relaxed);
    const std::uint64_t taken = (phase & ~in_user_code) + next_phase;
    std::promise<bool> chosen;
    std::thread next;
    try {
        next = make_thread(chosen.get_future());
    } catch (const std::system_error& e) {
        if (std::exchange(phase_without_thread_, phase) != phase)
            log().error("no thread can be made, so a lane waits for its function",
                        {{"why", e.what()}});
        return false;
    }
    // Before the phase moves: from then on the thread may come back, and takes itself off.
    threads_lost_->fetch_add(1);
    if (!phase_.compare_exchange_strong(phase, taken, std::memory_order_acq_rel)) {
        threads_lost_->fetch_sub(1);
        chosen.set_value(false);
        next.join();
        return false;
    }
    owner_.store(nullptr, std::memory_order_relaxed);
    takeovers_.add();
    if (running != nullptr) running->record_held(held_ns);
    let_serve(std::move(next), chosen);
    return true;
}

}  // namespace dunlin::runtime
