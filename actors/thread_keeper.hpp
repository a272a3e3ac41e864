// SPDX-License-Identifier: Apache-2.0
//
// The one thread of a node that looks after those which run user code off the lanes.
//
// Making a thread takes a lane's time for dozens of short calls, and who holds a thread for too
// long cannot see to that himself. So this thread asks each of its tasks in turn: soon when one of
// them was hurried, about ten times a second while functions run, and not at all while none does.
// A thread that begins to run something rings, which costs a load while the keeper is awake.
// Owned by the node; `ring` and `hurry` from any thread, the rest on the owner's.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace dunlin::actors {

class steady_time;

class thread_keeper {
public:
    /// Does what is due. @returns whether it is to be asked again in a while.
    using task = std::function<bool(std::int64_t now_ns)>;

    explicit thread_keeper(const steady_time& time) : time_(time) {}
    ~thread_keeper() { stop(); }
    thread_keeper(const thread_keeper&) = delete;
    thread_keeper& operator=(const thread_keeper&) = delete;

    /// @throws std::system_error when no thread can be made.
    void start(std::vector<task> tasks);
    /// Returns when no task runs any more.
    void stop();

    /// Something begins to run that may be held for long.
    void ring() {
        if (asleep_.load(std::memory_order_seq_cst)) static_cast<void>(hurry());
    }
    /// Has the tasks asked now. @returns false when there is nobody to ask them.
    [[nodiscard]] bool hurry();

private:
    void keep();

    const steady_time& time_;
    std::vector<task> tasks_;
    std::atomic<bool> asleep_{false};
    std::mutex mutex_;
    std::condition_variable changed_;
    bool running_ = false;
    bool hurried_ = false;
    std::thread thread_;
};

}  // namespace dunlin::actors
