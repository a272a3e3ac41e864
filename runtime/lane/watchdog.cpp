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

watchdog::watchdog(std::vector<lane*> lanes, lane_alarm& alarm, std::chrono::nanoseconds hold_max)
    : alarm_(alarm),
      hold_max_(hold_max) {
    for (auto* each : lanes) lanes_.push_back({each, {}, 0});
    thread_ = std::thread([this] { watch(); });
}

watchdog::~watchdog() {
    alarm_.end();
    thread_.join();
}

void watchdog::watch() {
    // Two looks within the time a function may hold a lane bound the error to half of it.
    const auto pause =
        std::max<std::chrono::nanoseconds>(hold_max_ / 2, std::chrono::milliseconds(1));
    constexpr int quiet_looks_before_sleep = 4;
    int quiet_looks = 0;
    bool running = true;
    while (running) {
        quiet_looks = look() ? 0 : quiet_looks + 1;
        if (quiet_looks < quiet_looks_before_sleep) {
            running = alarm_.pause(pause);
            continue;
        }
        alarm_.prepare_to_sleep();
        if (look())
            alarm_.stay_awake();
        else
            running = alarm_.sleep();
        quiet_looks = 0;
    }
}

bool watchdog::look() {
    bool moved = false;
    for (auto& each : lanes_) {
        const auto phase = each.which->ownership().phase();
        moved = moved || phase != each.phase || (phase & 1) != 0;
        each.phase = phase;
        const auto held_ns = each.detector.observe(phase, now_ns(), hold_max_.count());
        if (held_ns && each.which->ownership().take_over(phase, *held_ns))
            log().debug("a function held its lane too long and was left behind",
                        {{"held_ms", *held_ns / 1'000'000}});
    }
    return moved;
}

}  // namespace dunlin::runtime
