// SPDX-License-Identifier: Apache-2.0
//
// Knative's autoscaler (KPA) as a baseline, with one call at a time in each pod.
//
// Written from its published rules (knative.dev, and knative/serving: pkg/autoscaler/scaling/
// autoscaler.go, aggregation/bucketing.go, metrics/collector.go, activator's concurrency reporter,
// kpa/scaler.go) with their defaults. Each second the mean number of calls that run or wait is
// noted. Every two seconds the wanted number of pods follows from its mean over 60 s (stable) and
// 6 s (panic), divided by the target. A call that finds no pod at all makes a step at once. The
// last pod goes after the stable window is empty and 30 s more. `kpa` is the rule alone, for
// tests. Of a revision's life only what bears on the load is here: it begins with no pod.
// One owner, one thread.
#pragma once

#include "runtime/rehearsal/arrivals.hpp"
#include "runtime/rehearsal/scaler.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace dunlin::runtime::rehearsal {

/// Means over windows of the latest seconds.
class second_means {
public:
    static constexpr std::int64_t seconds_max = 60;

    /// `second` is its number, not below those before.
    void note(std::int64_t second, double value) noexcept;
    /// Over the `window` seconds up to the one that ends at `now_second`. Divided by the seconds
    /// since the first note if they are fewer; 0 when nothing was noted in the window.
    [[nodiscard]] double mean(std::int64_t now_second, std::int64_t window) const noexcept;
    [[nodiscard]] bool empty() const noexcept { return first_ > last_; }

private:
    std::array<double, seconds_max> values_{};
    std::int64_t first_ = 0;
    std::int64_t last_ = -1;
};

class kpa {
public:
    explicit kpa(double target) noexcept : target_(target) {}

    /// Pods that are wanted at `now_second` for these means and so many ready pods. 0 is not yet
    /// permission to end the last one.
    [[nodiscard]] std::size_t step(std::int64_t now_second, double stable, double panic,
                                   std::size_t ready) noexcept;
    [[nodiscard]] bool in_panic() const noexcept { return panic_since_ >= 0; }

private:
    double target_;
    std::int64_t panic_since_ = -1;
    double panic_pods_max_ = 0;
};

class knative_scaler final : public scaler {
public:
    struct options {
        double utilisation = 0.7;
        std::size_t min = 0;
        std::size_t max = 0;
        std::int64_t second_ns = 1'000'000'000;  // shorter in a compressed trace
    };

    explicit knative_scaler(const options& with) noexcept
        : options_(with),
          rule_(with.utilisation),
          next_second_(with.min > 0 ? 1 : 0) {}

    [[nodiscard]] std::size_t initial() const noexcept override { return options_.min; }
    void arrived(std::int64_t now_ns) noexcept override;
    [[nodiscard]] std::size_t starts_for_call(std::int64_t now_ns,
                                              const actors::elastic_view& view) override;
    void ended(std::int64_t now_ns, std::int64_t service_ns) noexcept override;
    [[nodiscard]] std::int64_t look_at_ns() const noexcept override {
        return next_second_ == 0 ? never : next_second_ * options_.second_ns;
    }
    [[nodiscard]] change look(std::int64_t now_ns, const actors::elastic_view& view) override;

private:
    void settle(std::int64_t now_ns) noexcept;
    [[nodiscard]] std::size_t wanted(std::int64_t second,
                                     const actors::elastic_view& view) noexcept;

    options options_;
    kpa rule_;
    second_means seen_;
    std::int64_t next_second_;      // 0: nothing to look at
    std::int64_t zero_since_ = -1;  // the second from which on no pod was wanted
    // Calls that run or wait, and their sum over time since the last second.
    std::size_t inside_ = 0;
    double inside_ns_ = 0;
    std::int64_t settled_ns_ = 0;
};

}  // namespace dunlin::runtime::rehearsal
