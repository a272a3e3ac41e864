// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/knative_scaler.hpp"

#include <algorithm>
#include <cmath>

namespace dunlin::runtime::rehearsal {
namespace {

// The defaults of config-autoscaler, in seconds where they are times.
constexpr std::int64_t tick = 2;
constexpr std::int64_t stable_window = 60;
constexpr std::int64_t panic_window = 6;
constexpr double panic_threshold = 2;
constexpr double up_rate_max = 1000;
constexpr double down_rate_max = 2;
constexpr std::int64_t zero_grace = 30;

}  // namespace

void second_means::note(std::int64_t second, double value) noexcept {
    if (empty() || second - last_ >= seconds_max) {
        values_.fill(0);
        first_ = second;
    } else {
        // Seconds in between were not seen, and count as 0.
        for (auto each = last_ + 1; each <= second; ++each)
            values_[static_cast<std::size_t>(each % seconds_max)] = 0;
    }
    last_ = second;
    values_[static_cast<std::size_t>(second % seconds_max)] = value;
}

double second_means::mean(std::int64_t now_second, std::int64_t window) const noexcept {
    const auto oldest = std::max(first_, now_second - window);
    if (empty() || last_ < oldest) return 0;
    double sum = 0;
    for (auto each = oldest; each <= last_; ++each)
        sum += values_[static_cast<std::size_t>(each % seconds_max)];
    // To six digits, as there.
    return std::round(sum / static_cast<double>(last_ - oldest + 1) * 1e6) / 1e6;
}

std::size_t kpa::step(std::int64_t now_second, double stable, double panic,
                      std::size_t ready) noexcept {
    const double pods = std::max(1.0, static_cast<double>(ready));
    const double up = std::ceil(up_rate_max * pods);
    const double down = std::floor(pods / down_rate_max);
    const double for_stable = std::ceil(stable / target_);
    const double for_panic = std::ceil(panic / target_);
    double wanted = std::min(std::max(for_stable, down), up);
    const double in_panic = std::min(std::max(for_panic, down), up);

    if (for_panic / pods >= panic_threshold) {
        panic_since_ = now_second;
    } else if (panic_since_ >= 0 && panic_since_ + stable_window < now_second) {
        panic_since_ = -1;
        panic_pods_max_ = 0;
    }
    if (panic_since_ >= 0) {
        panic_pods_max_ = std::max({panic_pods_max_, wanted, in_panic});
        wanted = panic_pods_max_;
    }
    return static_cast<std::size_t>(wanted);
}

void knative_scaler::settle(std::int64_t now_ns) noexcept {
    inside_ns_ += static_cast<double>(inside_) * static_cast<double>(now_ns - settled_ns_);
    settled_ns_ = now_ns;
}

void knative_scaler::arrived(std::int64_t now_ns) noexcept {
    settle(now_ns);
    ++inside_;
}

void knative_scaler::ended(std::int64_t now_ns, std::int64_t /*service_ns*/) noexcept {
    settle(now_ns);
    --inside_;
}

// The activator tells of the first call for a revision at zero at once, as one whole call; all
// others wait for the tick.
std::size_t knative_scaler::starts_for_call(std::int64_t now_ns, const actors::elastic_view& view) {
    const auto second = now_ns / options_.second_ns;
    if (next_second_ == 0) {
        next_second_ = second + 1;
        inside_ns_ = 0;
    }
    if (view.existing() > 0 || options_.max == 0) return 0;
    seen_.note(second, 1);
    return wanted(second + 1, view);
}

scaler::change knative_scaler::look(std::int64_t now_ns, const actors::elastic_view& view) {
    settle(now_ns);
    const auto second = next_second_++;
    seen_.note(second - 1, inside_ns_ / static_cast<double>(options_.second_ns));
    inside_ns_ = 0;
    scaler::change made;
    if (second % tick == 0) {
        const auto want = wanted(second, view);
        const auto have = view.existing();
        made.start = want > have ? want - have : 0;
        made.retire = want < have ? have - want : 0;
    }
    if (view.existing() + made.start - made.retire == 0 && inside_ == 0) next_second_ = 0;
    return made;
}

std::size_t knative_scaler::wanted(std::int64_t second, const actors::elastic_view& view) noexcept {
    const auto ready = view.busy + view.idle_since_ns.size();
    auto want = rule_.step(second, seen_.mean(second, stable_window),
                           seen_.mean(second, panic_window), ready);
    if (want > 0) {
        zero_since_ = -1;
    } else {
        if (zero_since_ < 0) zero_since_ = second;
        if (second - zero_since_ < zero_grace) want = 1;
    }
    return std::clamp(want, options_.min, options_.max);
}

}  // namespace dunlin::runtime::rehearsal
