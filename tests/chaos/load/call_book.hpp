// SPDX-License-Identifier: Apache-2.0
//
// Account of every call of one load: how each ended, how long it took, when nothing came back.
//
// Latency counts from when a call was due, not from when the program got round to starting it:
// otherwise a caller that is held up reports fewer slow calls the worse it gets. A stall is the
// longest time in which no call succeeded while some were under way. Memory is bounded: latencies
// are a histogram, failed calls are kept up to `failures_max`, all of them are in the calls file.
// Any thread; a mutex inside.
#pragma once

#include "support/log_histogram.hpp"
#include "tests/chaos/chaos_call.hpp"

#include <dunlin/result.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace dunlin::chaos {

using load_clock = std::chrono::steady_clock;

class call_book {
public:
    /// Failed calls, and different texts of errors, that the summary names.
    static constexpr std::size_t failures_max = 10'000;
    static constexpr std::size_t details_max = 64;

    /// Owns `calls`, which may be null.
    explicit call_book(std::FILE* calls) : calls_(calls) {}
    call_book(const call_book&) = delete;
    call_book& operator=(const call_book&) = delete;
    ~call_book();

    void started();
    void ended(std::uint64_t id, load_clock::time_point due, load_clock::time_point began,
               const result<receipt>& outcome);

    /// Waits until fewer calls than this are under way, at most until `limit`.
    /// @returns whether that is so.
    bool wait_below(std::size_t in_flight, load_clock::time_point limit);

    [[nodiscard]] std::uint64_t failures() const;
    /// What happened since the last time this was asked.
    [[nodiscard]] nlohmann::json progress(load_clock::time_point began);
    [[nodiscard]] nlohmann::json summary(load_clock::time_point began);

private:
    struct failure {
        std::uint64_t id;
        std::int32_t code;
        bool did_not_run;
    };

    void note_gap(load_clock::time_point now);
    [[nodiscard]] nlohmann::json errors() const;

    std::FILE* calls_;
    mutable std::mutex mutex_;
    std::condition_variable fewer_;
    std::uint64_t started_ = 0;
    std::uint64_t ended_ = 0;
    std::uint64_t ok_ = 0;
    std::uint64_t repeated_ = 0;  // answered by an attempt that was not the first
    std::map<std::int32_t, std::uint64_t> errors_;
    std::map<std::string, std::uint64_t> details_;
    std::map<std::string, std::uint64_t> nodes_;
    std::vector<failure> failed_;
    support::log_histogram latencies_;
    std::uint64_t latest_us_max_ = 0;

    load_clock::time_point quiet_since_{};  // last success, or the start of the first call after
    load_clock::duration gap_max_{};
    load_clock::time_point gap_at_{};
};

}  // namespace dunlin::chaos
