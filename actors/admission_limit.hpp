// SPDX-License-Identifier: Apache-2.0
//
// Whether a call is worth queueing, or is refused at once because it would end too late.
//
// An overloaded function that takes every call ends by running calls that nobody waits for any
// more. So a call that has to wait is admitted only if its predicted wait takes at most half of
// what its service time leaves of the time to its deadline: to the end of the queue predictions are
// right in the mean only. While the caller's queue takes up a burst that is all. Once it stands
// (standing_queue.hpp), waiting gains nothing for anybody: then a call waits for a tenth of the
// time it has at most, or for the target where that is longer. So a flood of patient calls is
// worked off in a tenth of their patience, and a batch is not refused for nothing. The idea is that
// of Maurer, *Fail at Scale*, ACM Queue 13(8), 2015. README.md has what it is worth.
//
// A refusal says when to come back: when the queue will have become short enough, and up to the
// wait later, evenly spread, so that those who were refused together do not come back together, and
// as many of them as there is room for while the queue is worked off. Pure: no clock, thread or
// lock. A few nanoseconds; 16 bytes. Owned by a pool, under its lock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>

namespace dunlin::actors {

enum class admission_reason : std::uint8_t {
    in_time,      // admitted: it is expected to end in time
    unlimited,    // admitted: it never ends too late
    no_time,      // refused: it would end too late even if it ran now
    too_late,     // refused: it would end too late
    stands,       // refused: the queue stands, and it would have to wait for too long
    full,         // refused: no room; said by the one who asked the queue
    out_of_time,  // given up when its turn came: it would end too late
    share,        // refused though it had been taken: the room belongs to another caller
};

[[nodiscard]] constexpr std::string_view to_string(admission_reason reason) noexcept {
    switch (reason) {
        case admission_reason::in_time: return "it is expected to end in time";
        case admission_reason::unlimited: return "it has no deadline";
        case admission_reason::no_time: return "its time was shorter than such calls take";
        case admission_reason::too_late: return "it would have ended after its deadline";
        case admission_reason::stands:
            return "the queue stood, and it would have waited in it for too long";
        case admission_reason::full: return "its queue was full";
        case admission_reason::out_of_time:
            return "its deadline could not be met any more when its turn came";
        case admission_reason::share:
            return "the queue was full, and another caller had less than a fair share of it";
    }
    return "?";
}

/// What is known of a call that would have to wait.
struct admission_view {
    std::int64_t wait_ns = 0;     // predicted; see `predicted_wait_ns`
    std::int64_t service_ns = 0;  // predicted, of the call; 0: unknown
    std::int64_t left_ns = std::numeric_limits<std::int64_t>::max();  // to its deadline; max: none
    bool stands = false;                                              // the queue of its caller
};

struct admission_decision {
    bool admitted = false;
    admission_reason reason = admission_reason::in_time;
    std::int64_t wait_ns = 0;         // what was compared,
    std::int64_t limit_ns = 0;        // and with what
    std::int64_t retry_after_ns = 0;  // of a refusal: when it is likely to be admitted
};

/// Until a call starts that has so many ahead, while `servers` are busy: one of them is free soon.
[[nodiscard]] constexpr std::int64_t predicted_wait_ns(std::uint64_t ahead, std::int64_t service_ns,
                                                       std::size_t servers) noexcept {
    const auto step_ns = static_cast<double>(service_ns) / static_cast<double>(servers);
    const auto wait_ns = (static_cast<double>(ahead) + 1) * step_ns;
    return wait_ns < 9e18 ? static_cast<std::int64_t>(wait_ns)
                          : std::numeric_limits<std::int64_t>::max();
}

class admission_limit {
public:
    static constexpr std::int64_t target_wait_default_ns = 5'000'000;
    /// What of the time that is left a call may wait in a queue that stands.
    static constexpr std::int64_t patience_share = 10;
    static constexpr std::int64_t retry_min_ns = 1'000'000;
    static constexpr std::int64_t retry_max_ns = 10'000'000'000;

    explicit admission_limit(std::int64_t target_wait_ns = target_wait_default_ns) noexcept
        : target_wait_ns_(target_wait_ns) {}

    [[nodiscard]] admission_decision decide(const admission_view& call) noexcept {
        constexpr auto forever = std::numeric_limits<std::int64_t>::max();
        if (call.left_ns == forever) return admit(admission_reason::unlimited, call, forever);
        const auto limit_ns = wait_max(call);
        if (limit_ns < 0) return refuse(admission_reason::no_time, call, limit_ns);
        if (call.wait_ns > limit_ns) return refuse(admission_reason::too_late, call, limit_ns);
        if (!call.stands) return admit(admission_reason::in_time, call, limit_ns);
        const auto standing_ns =
            std::min(limit_ns, std::max(target_wait_ns_, call.left_ns / patience_share));
        if (call.wait_ns > standing_ns) return refuse(admission_reason::stands, call, standing_ns);
        return admit(admission_reason::in_time, call, standing_ns);
    }
    /// For a call that the queue had no room for.
    [[nodiscard]] admission_decision full(const admission_view& call) noexcept {
        return refuse(admission_reason::full, call, target_wait_ns_);
    }

private:
    // The other half is for what is not known: how far this call, those ahead of it, and the
    // smoothed service time are from the mean, and the answer's way back.
    [[nodiscard]] static std::int64_t wait_max(const admission_view& call) noexcept {
        const auto spare_ns = call.left_ns - call.service_ns;
        return spare_ns < 0 ? spare_ns : spare_ns / 2;
    }
    [[nodiscard]] static admission_decision admit(admission_reason why, const admission_view& call,
                                                  std::int64_t limit_ns) noexcept {
        return {true, why, call.wait_ns, limit_ns, 0};
    }
    [[nodiscard]] admission_decision refuse(admission_reason why, const admission_view& call,
                                            std::int64_t limit_ns) noexcept {
        // Multiples of the golden ratio, without what is before the point: any number of them in a
        // row lies evenly (Knuth, TAOCP 3, 6.4).
        spread_ += 0x9e3779b9U;
        const auto limit = std::max<std::int64_t>(limit_ns, 0);
        const auto excess_ns = std::clamp(call.wait_ns - limit, retry_min_ns, retry_max_ns / 2);
        const auto span_ns =
            std::clamp(call.wait_ns, std::max(target_wait_ns_, excess_ns), retry_max_ns / 2);
        const auto later_ns = static_cast<std::int64_t>(
            (static_cast<std::uint64_t>(span_ns) * (spread_ >> 16)) >> 16);
        return {false, why, call.wait_ns, limit_ns, excess_ns + later_ns};
    }

    std::int64_t target_wait_ns_;
    std::uint32_t spread_ = 0;
};

}  // namespace dunlin::actors
