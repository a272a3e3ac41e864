// SPDX-License-Identifier: Apache-2.0
//
// Many calls of one function in flight, their outcomes taken in the order they were started.
//
// A ring of fixed size holds what is under way, so a stream of any length takes the memory of its
// window, and one slow call at the front holds the stream back instead of filling the memory
// behind it. The owner starts and takes on one thread; outcomes arrive on the client's thread,
// and `fd` becomes readable for an owner that announced a wait.
//
// A call that a full queue refuses is made again after the pause that the refusal asks for, longer
// each time, until `patience` is over; meanwhile nothing new should be started (`held_back`).
//
// Owner: a verb. Must outlive the client's callbacks: take every outcome, or destroy the client,
// before this.
#pragma once

#include "cluster/random.hpp"
#include "runtime/program/any_value.hpp"
#include "runtime/program/trace_context.hpp"

#include <dunlin/client.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace dunlin::program {

class ordered_calls {
public:
    struct outcome {
        std::uint64_t tag = 0;  // as given to `start`
        result<any_value> reply;
        std::string trace;  // that the call carried; empty when it was not made
        call_info info;
    };

    using clock = std::chrono::steady_clock;

    /// `patience`: how long a refused call is tried again; zero: not at all.
    ordered_calls(client& through, std::string function, std::string key, call_traces traces,
                  std::size_t window, std::chrono::microseconds patience = {});
    ~ordered_calls();
    ordered_calls(const ordered_calls&) = delete;
    ordered_calls& operator=(const ordered_calls&) = delete;

    [[nodiscard]] bool full() const noexcept { return started_ - taken_ == slots_.size(); }
    [[nodiscard]] bool empty() const noexcept { return started_ == taken_; }

    /// Refused calls wait for their next attempt.
    [[nodiscard]] bool held_back() const noexcept { return !repeats_.empty(); }
    /// Makes the attempts that are due. @returns when the next one is, or the end of time.
    clock::time_point send_repeats();
    /// How many attempts were refused and made again.
    [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }

    /// Expects room.
    void start(std::uint64_t tag, any_value input);
    /// Takes the place of a call that cannot be started. Expects room.
    void refuse(std::uint64_t tag, error why);

    /// The outcome of the oldest call, if it is there.
    [[nodiscard]] bool take(outcome& next);

    /// Withdraws all that is in flight. Its outcomes still have to be taken.
    void cancel();

    /// Announces a wait: false when there is something to take or to repeat. After true, `fd`
    /// becomes readable when it comes.
    [[nodiscard]] bool prepare_wait() noexcept;
    void end_wait() noexcept;
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    struct slot {
        std::atomic<bool> done{false};
        std::uint64_t tag = 0;
        call_ticket ticket;
        any_value input;  // while it may have to be sent again
        std::string trace;
        unsigned attempts = 0;
        clock::time_point started;
        result<any_value> reply;
        call_info info;  // of the last attempt
    };
    struct repeat {
        clock::time_point due;
        slot* at;
    };

    slot& claim(std::uint64_t tag);
    void send(slot& at);
    void finish(slot& at, result<any_value> reply) noexcept;
    void settle(slot& at) noexcept;
    void wake_owner() noexcept;
    void schedule_refused(clock::time_point now);

    client& client_;
    std::string function_;
    std::string key_;
    call_traces traces_;
    std::vector<slot> slots_;
    const std::chrono::microseconds patience_;
    std::vector<repeat> repeats_;
    std::uint64_t repeated_ = 0;
    std::atomic<bool> cancelled_{false};
    std::mutex mutex_;
    std::vector<slot*> refused_;  // guarded; by the client's thread for the owner's
    std::uint64_t started_ = 0;
    std::uint64_t taken_ = 0;
    std::atomic<bool> waiting_{false};
    cluster::random_source random_;  // of pauses
    int fd_;
};

}  // namespace dunlin::program
