// SPDX-License-Identifier: Apache-2.0
//
// What the callers of keyed functions know of their calls, written down as a history.
//
// A line for each call that ended; counts for who watches. Any thread; a mutex inside.
#pragma once

#include "tests/history/operation.hpp"

#include <dunlin/result.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>

namespace dunlin::chaos {

using keyed_clock = std::chrono::steady_clock;

[[nodiscard]] inline std::int64_t ns_since_boot() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               keyed_clock::now().time_since_epoch())
        .count();
}

class keyed_book {
public:
    /// Owns `calls`, which may be null.
    explicit keyed_book(std::FILE* calls) : calls_(calls) {}
    keyed_book(const keyed_book&) = delete;
    keyed_book& operator=(const keyed_book&) = delete;
    ~keyed_book();

    void started();
    /// `why` is null for a call that was answered. It is written with its sentence.
    void ended(const std::string& key, const history::operation& known, const error* why);

    /// Waits until fewer calls than this are under way, at most until `limit`.
    /// @returns whether that is so.
    bool wait_below(std::size_t in_flight, keyed_clock::time_point limit);
    [[nodiscard]] std::uint64_t failures() const;
    [[nodiscard]] nlohmann::json progress() const;

private:
    std::FILE* calls_;
    mutable std::mutex mutex_;
    std::condition_variable fewer_;
    std::uint64_t started_ = 0;
    std::uint64_t ended_ = 0;
    std::uint64_t ok_ = 0;
    std::map<std::string, std::uint64_t, std::less<>> errors_;
};

}  // namespace dunlin::chaos
