// SPDX-License-Identifier: Apache-2.0
//
// The thread that looks at pools with idle activations, so that those which are not needed end.
//
// Starts need no ticker: a call does that. Retiring is time passing, which nobody notices by
// himself. A pool asks to be looked at when one of its activations becomes idle, and tells after
// each look when the next is due; this thread looks at what is due, each 10 ms at most, and sleeps
// without a timeout while no pool asks: functions at zero cost nothing, however many there are.
// Owned by the node, outlives the pools' last calls and ends before the pools do. `look_at` from
// any thread, and may be called with no lock held that a look takes.
#pragma once

#include "actors/environment.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace dunlin::actors {

class scaling_ticker final : public look_service {
public:
    /// Told after looks that ended activations how many, so that memory can be given back.
    using listener = std::function<void(std::size_t retired)>;

    explicit scaling_ticker(const steady_time& time, listener retired = nullptr)
        : time_(time),
          retired_(std::move(retired)) {}
    ~scaling_ticker() override { stop(); }
    scaling_ticker(const scaling_ticker&) = delete;
    scaling_ticker& operator=(const scaling_ticker&) = delete;

    /// @throws std::system_error when no thread can be made.
    void start();
    /// Returns when no look is under way any more; what is asked for later is not done.
    void stop();

    void look_at(pool& which, std::int64_t at_ns) override;

private:
    struct due_look {
        pool* which;
        std::int64_t at_ns;
    };

    void run();
    [[nodiscard]] std::int64_t earliest_ns() const noexcept;
    [[nodiscard]] std::vector<due_look> take_due(std::int64_t now_ns);

    const steady_time& time_;
    const listener retired_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<due_look> asked_;   // one for each pool at most
    std::int64_t wakes_at_ns_ = 0;  // while it sleeps
    bool running_ = false;
    std::thread thread_;
};

}  // namespace dunlin::actors
