// SPDX-License-Identifier: Apache-2.0
//
// The threads of blocking functions: each runs one activation at a time, for as long as it takes.
//
// A thread is made when an activation is ready and none is idle, and ends after a while without
// work, so what costs a thread is a call that blocks and not a function that might. It is never
// made on the thread that has the work, which may be a lane: the `thread_keeper` makes the first,
// and each that begins makes the next one while there is too little. There are `threads_max` at
// most; what is ready beyond them waits its turn. When the machine gives no more threads, work runs
// on those of the scheduler, made at the start: that may delay other work, and loses none.
// Safe from any thread. Owned by the node; ends after the last activation has been told to end, and
// before the pools and the actor system do.
#pragma once

#include "actors/thread_keeper.hpp"

#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <system_error>
#include <vector>

namespace dunlin::actors {

struct blocking_options {
    std::size_t threads_max = 1024;
    /// How long a thread stays without work.
    std::chrono::milliseconds idle_max{10'000};
};

class blocking_threads final : public caf::execution_unit {
public:
    using thread_refused = std::function<void(const std::system_error& why)>;

    /// `keeper` asks for `tend` and outlives this; without one threads are made where the work is.
    /// `refused` is told when the machine gives no thread any more; again only after it has given
    /// one in between.
    blocking_threads(caf::actor_system& system, blocking_options options,
                     thread_keeper* keeper = nullptr, thread_refused refused = nullptr);
    /// Returns when all that is ready has run.
    ~blocking_threads() override;

    /// An activation is ready; it is released when it has no more messages. Any thread.
    void exec_later(caf::resumable* job) override;

    /// Makes a thread if there is too little. @returns whether any thread runs something.
    bool tend();
    /// How many there are now.
    [[nodiscard]] std::size_t count() const;

private:
    class lent_job;
    /// One that waits for work, each on a condition of its own: the one that waited least is
    /// called, so that those which are not needed become old and end.
    struct idler {
        std::condition_variable called;
        bool has_work = false;
    };

    void serve();
    /// @returns false when there was nothing to do for as long as it may wait.
    [[nodiscard]] bool wait_for_work(std::unique_lock<std::mutex>& lock);
    void call_idle();
    void take_back(caf::resumable* ended);
    [[nodiscard]] bool too_few() const noexcept;
    void make_one();
    void lend(std::unique_lock<std::mutex>& lock);

    const blocking_options options_;
    thread_keeper* const keeper_;
    const thread_refused refused_;

    mutable std::mutex mutex_;
    std::condition_variable ended_;
    std::deque<caf::resumable*> ready_;
    std::vector<idler*> idle_;      // not called yet
    std::size_t on_their_way_ = 0;  // to what is ready: called, or being made
    std::size_t count_ = 0;
    std::size_t lent_ = 0;  // jobs on the scheduler
    bool refusing_ = false;
    bool stopping_ = false;
};

}  // namespace dunlin::actors
