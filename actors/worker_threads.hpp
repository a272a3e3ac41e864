// SPDX-License-Identifier: Apache-2.0
//
// The scheduler: threads for functions that are too long for a lane.
//
// Takes the place of CAF's own coordinator, for two reasons. An activation whose pool has work
// always has a message, so it must leave its thread after each: what is ready takes turns, and so
// do functions, by the time that they use (`fair_jobs`). And CAF's threads cannot be added to: a
// function that never returns would take one for good. Here a thread that one message has held for
// `worker_hold_ns_max` is replaced while others' work waits, up to `workers_replaced_max` such
// threads at a time; a replaced one ends when its function returns. docs/decisions/0015 has the
// alternatives. Owned by the actor system as its scheduler. `enqueue` and `look` from any thread;
// `begin` and `tend` are for the node and its `thread_keeper`.
#pragma once

#include "actors/fair_jobs.hpp"
#include "actors/limits.hpp"
#include "actors/thread_keeper.hpp"

#include <caf/actor_clock.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>

namespace dunlin::actors {

/// What the scheduler looks like at one moment.
struct worker_status {
    std::size_t threads = 0;   // that take work, or will when they have run what they have
    std::size_t replaced = 0;  // held by what never returns, it seems
    std::size_t ready = 0;     // waits for a thread
};

class worker_threads final : public caf::scheduler::abstract_coordinator {
public:
    /// Told of what only a person can mend.
    using complaint = std::function<void(const std::string& what)>;

    /// `keeper` outlives it; without one nothing is replaced but by calls of `tend`.
    worker_threads(caf::actor_system& system, std::size_t threads, thread_keeper* keeper,
                   complaint complain);
    ~worker_threads() override;

    /// Makes the threads; what is ready waits for that.
    /// @throws std::system_error when the machine does not give them.
    void begin();
    /// Replaces threads that are held. @returns whether any thread runs something.
    bool tend(std::int64_t now_ns);
    [[nodiscard]] worker_status look() const;

    // CAF's side.
    void enqueue(caf::resumable* job) override;
    caf::actor_clock& clock() noexcept override { return clock_; }
    void start() override {}
    /// Returns when no thread runs any more; what never ran is dropped.
    void stop() override;

private:
    struct worker {
        int thread_id = 0;       // as the system knows it
        std::uint64_t turn = 0;  // counts what it ran
        bool busy = false;       // runs something now
        bool replaced = false;
        std::uint64_t seen = 0;  // the turn that `tend` saw, and since when
        std::int64_t seen_ns = 0;
    };
    class unit final : public caf::execution_unit {
    public:
        explicit unit(worker_threads& all) : caf::execution_unit(&all.system()), all_(all) {}
        void exec_later(caf::resumable* job) override { all_.enqueue(job); }

    private:
        worker_threads& all_;
    };

    /// Timers of operations are a lane's; what CAF would start for its own never fires. Actors that
    /// end ask it to forget theirs, from any thread.
    class no_timers final : public caf::actor_clock {
    public:
        void set_ordinary_timeout(time_point, caf::abstract_actor*, caf::atom_value,
                                  std::uint64_t) override {}
        void set_multi_timeout(time_point, caf::abstract_actor*, caf::atom_value,
                               std::uint64_t) override {}
        void set_request_timeout(time_point, caf::abstract_actor*, caf::message_id) override {}
        void cancel_ordinary_timeout(caf::abstract_actor*, caf::atom_value) override {}
        void cancel_request_timeout(caf::abstract_actor*, caf::message_id) override {}
        void cancel_timeouts(caf::abstract_actor*) override {}
        void schedule_message(time_point, caf::strong_actor_ptr,
                              caf::mailbox_element_ptr) override {}
        void schedule_message(time_point, caf::group, caf::strong_actor_ptr,
                              caf::message) override {}
        void cancel_all() override {}
    };

    void start_one();
    void serve(worker& mine);
    [[nodiscard]] bool held_too_long(worker& each, std::int64_t now_ns) const;
    [[nodiscard]] std::optional<std::string> replace_held(std::int64_t now_ns);

    const std::size_t threads_;
    thread_keeper* const keeper_;
    const complaint complain_;
    unit unit_;
    no_timers clock_;

    mutable std::mutex mutex_;
    std::condition_variable work_;
    std::condition_variable ended_;
    fair_jobs ready_{limits::worker_debt_ns_max};
    std::list<worker> workers_;
    std::size_t idle_ = 0;
    std::size_t replaced_ = 0;
    std::size_t on_trial_ = 0;  // made, but it is not known yet in place of which
    bool complained_ = false;
    bool stopping_ = false;
};

}  // namespace dunlin::actors
