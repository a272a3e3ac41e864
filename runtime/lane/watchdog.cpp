// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/watchdog.hpp"

#include "runtime/lane/lane.hpp"
#include "runtime/log.hpp"

#include <algorithm>

namespace dunlin::runtime {

namespace {

std::int64_t now_ns() {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

}  // namespace

watchdog::watchdog(std::vector<lane*> lanes, std::chrono::nanoseconds hold_max)
    : lanes_(std::move(lanes)), hold_max_(hold_max), thread_([this] { watch(); }) {}

watchdog::~watchdog() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    stop_.notify_all();
    thread_.join();
}

void watchdog::watch() {
    // Two looks within the time a function may hold a lane bound the error to half of it. While
    // no lane moves the pauses grow, so that an idle node wakes a few times a second only.
    const auto pause_min = std::max<std::chrono::nanoseconds>(hold_max_ / 2,
                                                              std::chrono::milliseconds(1));
    const auto pause_max = std::chrono::milliseconds(250);
    auto pause = pause_min;
    std::vector<hold_detector> detectors(lanes_.size());
    std::vector<std::uint64_t> phases(lanes_.size());
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, pause, [this] { return stopping_; })) {
        bool moved = false;
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            const auto phase = lanes_[i]->phase();
            moved = moved || phase != phases[i] || (phase & 1) != 0;
            phases[i] = phase;
            const auto held_ns = detectors[i].observe(phase, now_ns(), hold_max_.count());
            if (held_ns && lanes_[i]->take_over(phase, *held_ns))
                log().debug("a function held its lane too long and was left behind held_ms={}",
                            *held_ns / 1'000'000);
        }
        pause = moved ? pause_min : std::min<std::chrono::nanoseconds>(pause * 2, pause_max);
    }
}

}  // namespace dunlin::runtime
