// SPDX-License-Identifier: Apache-2.0
#include "runtime/arrival_recording.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace dunlin::runtime {
namespace {

// The part of `calls` that falls into period number `index` of `count`: evenly, the first ones
// more.
std::uint32_t share(std::uint64_t calls, std::size_t count, std::size_t index) {
    const auto part = calls / count + (index < calls % count ? 1 : 0);
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(part, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

arrival_recording::arrival_recording(std::vector<std::string> functions,
                                     std::span<const arrival_counts> baseline, std::size_t periods,
                                     std::int64_t begin_ns)
    : names_(std::move(functions)),
      periods_(std::min(periods, recording_limits::periods_max)),
      began_ns_(begin_ns),
      read_ns_(begin_ns) {
    for (const auto& each : baseline) functions_.push_back({each, each, {}});
}

void arrival_recording::look(std::span<const arrival_counts> counted, std::int64_t now_ns) {
    // A tick comes a little late as a rule; one that comes a little early is the same tick.
    const auto since_ns = std::max<std::int64_t>(now_ns - began_ns_, 0) + period_ns / 2;
    const auto kept = passed_ - first_;
    const auto room = std::min(periods_ - passed_, recording_limits::periods_unread_max - kept);
    const auto passed = static_cast<std::size_t>(since_ns / period_ns);
    if (passed <= passed_ || room == 0) return;
    const auto fresh = passed - passed_;
    const auto taken = std::min(fresh, room);
    for (std::size_t i = 0; i < functions_.size(); ++i) {
        auto& function = functions_[i];
        const auto& now = counted[i];
        const auto came =
            now.arrived > function.last.arrived ? now.arrived - function.last.arrived : 0;
        for (std::size_t k = 0; k < taken; ++k) function.unread.push_back(share(came, fresh, k));
        function.last = now;
    }
    passed_ += taken;
}

bool arrival_recording::abandoned(std::int64_t now_ns) const noexcept {
    constexpr auto patience_ns =
        static_cast<std::int64_t>(recording_limits::periods_unread_max) * period_ns;
    return now_ns - read_ns_ >= patience_ns;
}

arrival_recording::page arrival_recording::read(std::size_t from, std::int64_t now_ns) {
    read_ns_ = std::max(read_ns_, now_ns);
    const auto forgotten = std::clamp(from, first_, passed_) - first_;
    first_ += forgotten;
    page told{first_, {}};
    for (std::size_t i = 0; i < functions_.size(); ++i) {
        auto& of = functions_[i];
        of.unread.erase(of.unread.begin(),
                        of.unread.begin() + static_cast<std::ptrdiff_t>(forgotten));
        told.parts.push_back({names_[i], of.unread, of.last.ended - of.begin.ended,
                              of.last.occupied_ns - of.begin.occupied_ns});
    }
    return told;
}

}  // namespace dunlin::runtime
