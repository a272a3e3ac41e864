// SPDX-License-Identifier: Apache-2.0
//
// The threads of blocking functions: each runs one activation at a time, for as long as it takes.
//
// A thread is made when an activation is ready and none is idle, and ends after a while without
// work, so what costs a thread is a call that blocks and not a function that might. When the
// machine gives no more threads, work runs on those of CAF's scheduler, made at the start: that may
// delay other work, and loses none. At most one thread for each activation of a blocking function.
// Safe from any thread. Owned by the node; ends after the last activation has been told to end, and
// before the pools and the actor system do.
#pragma once

#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <system_error>

namespace dunlin::actors {

class blocking_threads final : public caf::execution_unit {
public:
    using thread_refused = std::function<void(const std::system_error& why)>;

    /// `refused` is told when the machine gives no thread any more, on the thread that asked for
    /// one; again only after it has given one in between.
    blocking_threads(caf::actor_system& system, std::chrono::milliseconds idle_max,
                     thread_refused refused = nullptr);
    /// Returns when all that is ready has run.
    ~blocking_threads() override;

    /// An activation is ready; it is released when it has no more messages. Any thread.
    void exec_later(caf::resumable* job) override;

    /// How many there are now.
    [[nodiscard]] std::size_t count() const;

private:
    class lent_job;

    void serve();
    void take_back(caf::resumable* ended);
    /// @returns why not, the first time.
    [[nodiscard]] std::optional<std::system_error> start_one();

    const std::chrono::milliseconds idle_max_;
    const thread_refused refused_;

    mutable std::mutex mutex_;
    std::condition_variable work_;
    std::condition_variable ended_;
    std::deque<caf::resumable*> ready_;
    std::size_t idle_ = 0;  // waiting, or on their way to what is ready
    std::size_t count_ = 0;
    std::size_t lent_ = 0;  // jobs on the scheduler
    bool refusing_ = false;
    bool stopping_ = false;
};

}  // namespace dunlin::actors
