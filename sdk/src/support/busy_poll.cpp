// SPDX-License-Identifier: Apache-2.0
#include "support/busy_poll.hpp"

#include <sched.h>

#include <ctime>

namespace dunlin::support {
namespace {

using clock = std::chrono::steady_clock;

bool look(std::span<pollfd> on, const timespec* timeout) noexcept {
    for (auto& one : on) one.revents = 0;  // an interrupted poll leaves them as they were
    return ::ppoll(on.data(), on.size(), timeout, nullptr) > 0;
}

timespec timespec_of(std::chrono::nanoseconds left) noexcept {
    return {static_cast<std::time_t>(left.count() / 1'000'000'000),
            static_cast<long>(left.count() % 1'000'000'000)};
}

bool awake_until(std::span<pollfd> on, clock::time_point end) noexcept {
    constexpr timespec no_time{};
    do {
        if (look(on, &no_time)) return true;
        ::sched_yield();
    } while (clock::now() < end);
    return false;
}

}  // namespace

void sleep_poll(std::span<pollfd> on, busy_poll::time_point until) noexcept {
    timespec left{};
    if (until != clock::time_point::max()) {
        const auto now = clock::now();
        left = timespec_of(until > now ? until - now : clock::duration::zero());
    }
    look(on, until == clock::time_point::max() ? nullptr : &left);
}

void busy_poll::wait(std::span<pollfd> on, time_point until, awaited what) noexcept {
    const auto awake_max = awake_max_[static_cast<std::size_t>(what)];
    const bool awake = policy_.begin_awake(what) && awake_max.count() > 0;
    if (awake) {
        const auto awake_end = clock::now() + awake_max;
        using ending = busy_poll_policy::ending;
        const bool news = awake_until(on, std::min(awake_end, until));
        policy_.ended(news                ? ending::news
                      : until < awake_end ? ending::cut_short
                                          : ending::nothing,
                      what);
        if (news) return;
    }
    sleep_poll(on, until);
}

}  // namespace dunlin::support
