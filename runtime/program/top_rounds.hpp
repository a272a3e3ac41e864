// SPDX-License-Identifier: Apache-2.0
//
// The rounds of questions of `dunlin top`, on a thread of their own: a node that hangs holds up a
// round, and never a key or a signal.
//
// Rounds begin one interval apart; one that takes longer delays the next. Made and taken from by
// one thread; the last result is kept until it is taken.
#pragma once

#include "runtime/program/cluster_poll.hpp"

#include <dunlin/result.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace dunlin::program {

class top_rounds {
public:
    top_rounds(cluster_poll poll, std::chrono::milliseconds interval);
    ~top_rounds();
    top_rounds(const top_rounds&) = delete;
    top_rounds& operator=(const top_rounds&) = delete;

    /// Readable when there is a result.
    [[nodiscard]] int ready_fd() const noexcept { return ready_; }
    [[nodiscard]] std::optional<result<observation>> take();

private:
    void run(std::chrono::milliseconds interval);

    cluster_poll poll_;  // of the thread
    int ready_;
    std::mutex mutex_;
    std::condition_variable stop_;
    bool stopping_ = false;
    std::optional<result<observation>> last_;
    std::thread thread_;
};

}  // namespace dunlin::program
