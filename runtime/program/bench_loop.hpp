// SPDX-License-Identifier: Apache-2.0
//
// A closed loop of calls: a fixed number in flight, the next one started by the end of another.
//
// Uses the public client and nothing else, so what it measures is what a program gets. One call
// in flight waits for its result as a program would; more of them are asynchronous, and their
// callbacks start the next. The loop itself takes one reading of the clock per call, which is the
// end of one call and the start of the next, and no allocation.
//
// Each loop has its own client. `run` is for one thread; `stop` and `issued` for any.
#pragma once

#include "runtime/program/any_value.hpp"
#include "runtime/program/bench_keys.hpp"
#include "runtime/program/bench_outcome.hpp"

#include <dunlin/client.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace dunlin::program {

class bench_loop {
public:
    static constexpr std::chrono::hours unlimited{24 * 365};

    /// `input` must outlive the loop, and so must `keys`, which several may share. Null: no keys.
    bench_loop(client through, std::string function, const any_value& input, std::size_t window,
               bench_keys* keys = nullptr);

    /// Makes `requests` calls, or fewer if that takes longer than `at_most`, and waits for the last
    /// one. Can be called again.
    [[nodiscard]] bench_outcome run(std::uint64_t requests,
                                    std::chrono::nanoseconds at_most = unlimited);

    /// Starts no further calls, in this run or a later one.
    void stop() noexcept;
    /// Calls of this run that have been started.
    [[nodiscard]] std::uint64_t issued() const noexcept;

private:
    /// One of the calls in flight.
    struct slot {
        std::int64_t start_ns = 0;
    };

    void run_waiting();
    void run_asynchronous();
    void launch(slot& at);
    void finish(slot& at, const result<any_value>& reply);
    void record(std::int64_t nanoseconds, const result<any_value>& reply);
    [[nodiscard]] bool claim(std::int64_t now) noexcept;

    std::string function_;
    const any_value& input_;
    bench_keys* const keys_;
    std::vector<slot> slots_;
    std::int64_t end_ns_ = 0;
    bench_outcome outcome_;
    std::mutex errors_;  // of outcome_.errors and first_error: errors may come from two threads
    alignas(64) std::atomic<std::uint64_t> issued_{0};
    std::atomic<std::uint64_t> requests_{0};
    std::atomic<bool> stopped_{false};
    alignas(64) std::atomic<std::size_t> active_{0};
    // Last, so that it ends first: its callbacks use all of the above.
    client client_;
};

}  // namespace dunlin::program
