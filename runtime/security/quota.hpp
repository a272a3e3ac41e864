// SPDX-License-Identifier: Apache-2.0
//
// How much one key may ask of this node, and how much it does.
//
// Permissions say what a caller may call, not how often: one that loops would take the node from
// all others. A quota bounds the calls of a key that are unanswered at once and those a second, for
// all its connections together. A call beyond it is refused before anything else is done for it,
// and told when to come back. The rate is a token bucket, kept as the time at which it will be full
// (GCRA), so that a call takes one compare-and-swap and nobody has to refill anything.
//
// `quota` is a value. A `quota_use` is shared by all connections of its key, on any thread, without
// a lock: there are never more calls open than admitted, whichever lanes they come on. Time is
// handed in. Owned by the grants of the allow-list; the next list goes on with it.
#pragma once

#include <dunlin/result.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace dunlin::runtime {

struct quota {
    static constexpr std::uint32_t concurrency_max = 10'000'000;
    /// Beyond it a nanosecond is too coarse for the time between two calls.
    static constexpr std::uint32_t rate_max = 1'000'000;
    static constexpr std::uint32_t burst_max = 10'000'000;
    static constexpr std::uint32_t weight_max = 1000;

    std::uint32_t concurrency = 0;  // calls unanswered at once; 0: no limit
    std::uint32_t rate = 0;         // calls a second; 0: no limit
    std::uint32_t burst = 0;        // calls that may come at once after a pause, of the rate
    std::uint32_t weight = 1;       // share beside other callers

    [[nodiscard]] bool limits() const noexcept { return concurrency != 0 || rate != 0; }
};

struct quota_verdict {
    enum class kind : std::uint8_t { admitted, too_many_at_once, too_many_a_second };
    kind what = kind::admitted;
    std::int64_t wait_ns = 0;  // until another try has a chance

    [[nodiscard]] bool admitted() const noexcept { return what == kind::admitted; }
};

/// What a refused call is told. `name`: of the key.
[[nodiscard]] error beyond_quota(const std::string& name, const quota& of,
                                 const quota_verdict& refused);

class alignas(64) quota_use {
public:
    /// One more call, if the quota has room: then it is among the open ones, until it is given
    /// back. @pre `now_ns` >= 0
    [[nodiscard]] quota_verdict admit(const quota& of, std::int64_t now_ns) noexcept;
    /// Calls that are open count here from now on, whatever the quota says.
    void take(std::size_t calls) noexcept {
        open_.fetch_add(static_cast<std::int64_t>(calls), std::memory_order_relaxed);
    }
    void give_back(std::size_t calls) noexcept {
        open_.fetch_sub(static_cast<std::int64_t>(calls), std::memory_order_relaxed);
    }
    [[nodiscard]] std::int64_t open() const noexcept {
        return open_.load(std::memory_order_relaxed);
    }

    /// A call was refused. When that is to be logged, once a minute: how often it went unsaid.
    [[nodiscard]] std::optional<std::uint64_t> due(std::int64_t now_ns) noexcept;

private:
    static constexpr std::int64_t say_again_ns = 60'000'000'000;

    [[nodiscard]] bool take_place(std::uint32_t of) noexcept;

    std::atomic<std::int64_t> open_{0};
    /// When the bucket of the rate is full if nobody calls any more.
    std::atomic<std::int64_t> full_ns_{0};
    std::atomic<std::int64_t> say_ns_{std::numeric_limits<std::int64_t>::min()};
    std::atomic<std::uint64_t> unsaid_{0};
};

}  // namespace dunlin::runtime
