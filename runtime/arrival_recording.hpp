// SPDX-License-Identifier: Apache-2.0
//
// How many calls of some functions have come in each tenth of a second, for `dunlin/record`.
//
// Pools count calls from the start of the node; what came in a period is the difference between two
// looks at them. A look that comes late has missed some periods, and shares what came by them
// evenly: sums stay right whatever the machine does. What is read is forgotten once more is asked
// for, so an answer that is lost can be asked for again, and memory is bounded by what nobody has
// read. Pure: time and counts are handed in. One owner, under its lock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dunlin::runtime {

namespace recording_limits {
inline constexpr std::chrono::milliseconds period{100};
/// An hour: longer loads are better told by what callers or proxies log.
inline constexpr std::size_t periods_max = 36'000;
/// A minute of what nobody has read; a caller that asks less often than that has gone.
inline constexpr std::size_t periods_unread_max = 600;
/// Together with the line above it is what a recording takes: 600 KB.
inline constexpr std::size_t functions_max = 256;
/// People who look at one node at a time.
inline constexpr std::size_t recordings_max = 4;
}  // namespace recording_limits

/// What a pool has counted since the node started.
struct arrival_counts {
    std::uint64_t arrived = 0;     // calls, also those that were refused
    std::uint64_t ended = 0;       // calls that have run
    std::int64_t occupied_ns = 0;  // activations with a call, times how long
};

class arrival_recording {
public:
    static constexpr std::int64_t period_ns =
        std::chrono::nanoseconds(recording_limits::period).count();

    struct part {
        std::string name;
        std::vector<std::uint32_t> counts;  // from the period that was asked for
        std::uint64_t ended = 0;            // since the beginning
        std::int64_t occupied_ns = 0;
    };

    /// `baseline`: what each function has counted. `periods`: how many there are to be,
    /// `recording_limits::periods_max` at most, the first of which begins at `begin_ns`.
    arrival_recording(std::vector<std::string> functions, std::span<const arrival_counts> baseline,
                      std::size_t periods, std::int64_t begin_ns);

    /// Of each function again. Time that goes backwards counts as time that stands still.
    void look(std::span<const arrival_counts> counted, std::int64_t now_ns);

    [[nodiscard]] const std::vector<std::string>& functions() const noexcept { return names_; }
    /// That have passed.
    [[nodiscard]] std::size_t periods() const noexcept { return passed_; }
    /// All there are to be.
    [[nodiscard]] bool complete() const noexcept { return passed_ == periods_; }
    /// Nobody has asked for what came for a minute.
    [[nodiscard]] bool abandoned(std::int64_t now_ns) const noexcept;

    /// What came from period `from` on, which forgets what was before. Periods that are forgotten
    /// or have not passed are left out: `first` is where the counts begin.
    struct page {
        std::size_t first = 0;
        std::vector<part> parts;
    };
    [[nodiscard]] page read(std::size_t from, std::int64_t now_ns);

private:
    struct recorded {
        arrival_counts begin;
        arrival_counts last;
        std::vector<std::uint32_t> unread;  // from `first_` on
    };

    std::vector<std::string> names_;
    std::vector<recorded> functions_;
    std::size_t periods_;
    std::size_t passed_ = 0;
    std::size_t first_ = 0;  // that is kept
    std::int64_t began_ns_;
    std::int64_t read_ns_;
};

}  // namespace dunlin::runtime
