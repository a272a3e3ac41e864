// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/quota.hpp"

#include <algorithm>
#include <chrono>

namespace dunlin::runtime {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
/// Nobody knows when an open call will be answered. Long enough for a caller that waits for it not
/// to be a load, short enough not to leave places empty.
constexpr std::int64_t place_wait_ns = 10'000'000;
/// What the clocks of two lanes differ by at most: each is read once in a turn.
constexpr std::int64_t clocks_apart_ns = second_ns;

}  // namespace

quota_verdict quota_use::admit(const quota& of, std::int64_t now_ns) noexcept {
    using kind = quota_verdict::kind;
    if (!take_place(of.concurrency)) return {kind::too_many_at_once, place_wait_ns};
    if (of.rate == 0) return {};
    const auto interval_ns = second_ns / of.rate;
    const auto depth_ns = interval_ns * of.burst;
    auto full_ns = full_ns_.load(std::memory_order_relaxed);
    for (;;) {
        const auto empty_ns = now_ns + depth_ns;  // `full_ns_` of an empty bucket
        // Much emptier than that it was by another quota, which the list has replaced; that debt is
        // forgotten. A little emptier it is for a lane whose clock is behind.
        const bool of_another = full_ns > empty_ns + clocks_apart_ns;
        const auto from_ns = of_another ? empty_ns : std::max(full_ns, now_ns);
        const auto then_ns = from_ns + interval_ns;
        if (then_ns > empty_ns) {
            if (of_another &&
                !full_ns_.compare_exchange_weak(full_ns, from_ns, std::memory_order_relaxed))
                continue;
            give_back(1);
            return {kind::too_many_a_second, then_ns - empty_ns};
        }
        if (full_ns_.compare_exchange_weak(full_ns, then_ns, std::memory_order_relaxed)) return {};
    }
}

// Not by an addition that is taken back: meanwhile another lane would find no room where there is
// some.
bool quota_use::take_place(std::uint32_t of) noexcept {
    if (of == 0) {
        take(1);
        return true;
    }
    auto open = open_.load(std::memory_order_relaxed);
    do {
        if (open >= std::int64_t{of}) return false;
    } while (!open_.compare_exchange_weak(open, open + 1, std::memory_order_relaxed));
    return true;
}

std::optional<std::uint64_t> quota_use::due(std::int64_t now_ns) noexcept {
    auto at_ns = say_ns_.load(std::memory_order_relaxed);
    if (now_ns < at_ns ||
        !say_ns_.compare_exchange_strong(at_ns, now_ns + say_again_ns, std::memory_order_relaxed)) {
        unsaid_.fetch_add(1, std::memory_order_relaxed);
        return std::nullopt;
    }
    return unsaid_.exchange(0, std::memory_order_relaxed);
}

error beyond_quota(const std::string& name, const quota& of, const quota_verdict& refused) {
    const auto wait =
        std::chrono::ceil<std::chrono::microseconds>(std::chrono::nanoseconds(refused.wait_ns));
    const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(wait);
    std::string what;
    if (refused.what == quota_verdict::kind::too_many_at_once)
        what = "have " + std::to_string(of.concurrency) + " calls at once at a node";
    else
        what = "make " + std::to_string(of.rate) + " calls a second at a node, " +
               std::to_string(of.burst) + " of them at once";
    return {errc::overloaded,
            "\"" + name + "\" may " + what + ", and has; quota of the allow-list; try again in " +
                std::to_string(wait_ms.count()) + " ms",
            wait};
}

}  // namespace dunlin::runtime
