// SPDX-License-Identifier: Apache-2.0
//
// Many calls of one function in flight, their outcomes taken in the order they were started.
//
// A ring of fixed size holds what is under way, so a stream of any length takes the memory of its
// window, and one slow call at the front holds the stream back instead of filling the memory
// behind it. The owner starts and takes on one thread; outcomes arrive on the client's thread,
// and `fd` becomes readable for an owner that announced a wait.
//
// Owner: a verb. Must outlive the client's callbacks: take every outcome, or destroy the client,
// before this.
#pragma once

#include "runtime/program/any_value.hpp"

#include <dunlin/client.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::program {

class ordered_calls {
public:
    struct outcome {
        std::uint64_t tag = 0;  // as given to `start`
        result<any_value> reply;
    };

    ordered_calls(client& through, std::string function, std::string key, std::size_t window);
    ~ordered_calls();
    ordered_calls(const ordered_calls&) = delete;
    ordered_calls& operator=(const ordered_calls&) = delete;

    [[nodiscard]] bool full() const noexcept { return started_ - taken_ == slots_.size(); }
    [[nodiscard]] bool empty() const noexcept { return started_ == taken_; }

    /// Expects room.
    void start(std::uint64_t tag, const any_value& input);
    /// Takes the place of a call that cannot be started. Expects room.
    void refuse(std::uint64_t tag, error why);

    /// The outcome of the oldest call, if it is there.
    [[nodiscard]] bool take(outcome& next);

    /// Withdraws all that is in flight. Its outcomes still have to be taken.
    void cancel();

    /// Announces a wait: false when an outcome is there to be taken. After true, `fd` becomes
    /// readable when one arrives.
    [[nodiscard]] bool prepare_wait() noexcept;
    void end_wait() noexcept;
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    struct slot {
        std::atomic<bool> done{false};
        std::uint64_t tag = 0;
        call_ticket ticket;
        result<any_value> reply;
    };

    slot& claim(std::uint64_t tag);
    void finish(slot& at, result<any_value> reply) noexcept;

    client& client_;
    std::string function_;
    std::string key_;
    std::vector<slot> slots_;
    std::uint64_t started_ = 0;
    std::uint64_t taken_ = 0;
    std::atomic<bool> waiting_{false};
    int fd_;
};

}  // namespace dunlin::program
