// SPDX-License-Identifier: Apache-2.0
#include "actors/elastic_policy.hpp"

#include <algorithm>
#include <cmath>

namespace dunlin::actors {
namespace {

constexpr double ns_in_second = 1e9;

/// Memory of the rate of arrivals. Shorter follows a rise sooner; longer confuses chance with load
/// less often. Between one and eight seconds the traces make no difference.
constexpr double rate_memory_seconds = 2;
/// Memory of the service time, in invocations.
constexpr double service_memory_calls = 100;
/// ... and of what a start costs.
constexpr double start_memory = 0.1;

/// Idle time that a second of starting is worth. The one constant that was chosen rather than
/// derived: at 100 us a start it gives 0.2 s.
constexpr double price_of_start = 2000;
constexpr double price_seconds_min = 0.05;
constexpr double price_seconds_max = 5;

/// Idle activations are to be no more in the mean than one, and this part of the busy ones beside.
/// At a constant price they grow more slowly than the busy ones, about as their square root; a line
/// that starts above zero is near enough to that, and leaves a small function its one.
constexpr double idle_share = 0.16;
constexpr double idle_allowance = 1;
/// The price is lowered to this part at most.
constexpr double discount_min = 0.005;
/// How long the price takes to follow: a third of the time looked at so far, within these. The
/// first bound lets a new pool find its price soon; the second keeps it through an hour's changes
/// of load, because one price over all loads costs the fewest starts.
constexpr double follow_seconds_min = 10;
constexpr double follow_seconds_max = 1000;
/// One look changes the price by no more than this, on a logarithmic scale.
constexpr double step_max = 0.1;

double seconds(std::int64_t ns) noexcept { return static_cast<double>(ns) / ns_in_second; }

}  // namespace

std::string_view to_string(scaling_reason reason) noexcept {
    switch (reason) {
        case scaling_reason::none_idle: return "no activation was idle";
        case scaling_reason::below_minimum: return "there were fewer than the minimum";
        case scaling_reason::one_idle: return "an activation was idle";
        case scaling_reason::start_under_way: return "one was starting for each call that waits";
        case scaling_reason::at_maximum: return "there were as many as the maximum";
        case scaling_reason::at_useful: return "more at once would not be quicker";
        case scaling_reason::dearer_than_start: return "waiting for a call costs more than a start";
        case scaling_reason::above_ceiling: return "there were more than there may be now";
        case scaling_reason::within_price: return "a call is likely before a start's worth of time";
        case scaling_reason::within_idle_limit: return "none was idle for the time it is kept";
        case scaling_reason::minimum_kept: return "the minimum stays";
        case scaling_reason::nothing_idle: return "all were busy";
    }
    return "unknown";
}

void elastic_policy::started(std::int64_t cost_ns) noexcept {
    start_seconds_ += start_memory * (seconds(std::max<std::int64_t>(cost_ns, 0)) - start_seconds_);
}

start_decision elastic_policy::on_call(const elastic_view& view) const noexcept {
    if (!view.idle_since_ns.empty()) return {false, scaling_reason::one_idle};
    // An activation that ends in the meantime may take the call that another one is started for.
    // The latter is then there for the next call.
    if (view.starting >= view.queued) return {false, scaling_reason::start_under_way};
    if (view.existing() >= bounds_.ceiling())
        return {false, bounds_.useful < bounds_.max ? scaling_reason::at_useful
                                                    : scaling_reason::at_maximum};
    return {true, scaling_reason::none_idle};
}

look_decision elastic_policy::look(std::int64_t now_ns, const elastic_view& view) noexcept {
    now_ns = has_looked_ ? std::max(now_ns, looked_ns_) : now_ns;
    const double elapsed = has_looked_ ? seconds(now_ns - looked_ns_) : 0;
    const auto idle = view.idle_since_ns.size();
    learn(now_ns);
    keep_within_budget(elapsed, idle);
    looked_ns_ = now_ns;
    has_looked_ = true;

    look_decision decision{.retire = 0,
                           .reason = scaling_reason::within_price,
                           .next_ns = now_ns + look_every_ns,
                           .arrivals_per_second = rate_,
                           .service_seconds = service_seconds_,
                           .price_seconds = price_seconds()};
    const auto existing = view.existing();
    const auto above_min = existing > bounds_.min ? existing - bounds_.min : 0;
    const auto kept = worth_keeping(view.busy, idle);
    const auto most = std::min({idle - kept, above_min, retire_at_once_max});
    while (decision.retire < most &&
           now_ns - view.idle_since_ns[decision.retire] >= bounds_.idle.count())
        ++decision.retire;

    if (idle == 0) {
        decision.reason = scaling_reason::nothing_idle;
    } else if (decision.retire > 0) {
        decision.reason = scaling_reason::dearer_than_start;
    } else if (kept < idle) {
        decision.reason =
            above_min == 0 ? scaling_reason::minimum_kept : scaling_reason::within_idle_limit;
    }
    const auto left = idle - decision.retire;
    idle_left_ = std::min(left, kept);
    idle_granted_ = left - idle_left_;
    // The longest idle one goes first, so nothing can end before it may. And what `min` keeps is
    // ended by no time that passes.
    if (left == 0 || existing - decision.retire <= bounds_.min) {
        decision.next_ns = never;
    } else if (bounds_.idle.count() > 0) {
        decision.next_ns =
            std::max(decision.next_ns, view.idle_since_ns[decision.retire] + bounds_.idle.count());
    }
    look_at_ns_ = decision.next_ns;
    return decision;
}

void elastic_policy::learn(std::int64_t now_ns) noexcept {
    // Without a look there was nothing idle, so arrivals since the first one after it are evidence
    // of the load, and the silence before that is evidence, too.
    if (arrivals_ > 0) {
        first_arrival_ns_ = std::min(first_arrival_ns_, now_ns);
        const double silence =
            has_looked_ ? seconds(std::max<std::int64_t>(first_arrival_ns_ - looked_ns_, 0)) : 0;
        const double active = std::max(seconds(now_ns - first_arrival_ns_), 1e-9);
        const double weight = -std::expm1(-active / rate_memory_seconds);
        rate_ *= std::exp(-silence / rate_memory_seconds) * (1 - weight);
        rate_ += static_cast<double>(arrivals_) / active * weight;
    } else if (has_looked_) {
        rate_ *= std::exp(-seconds(now_ns - looked_ns_) / rate_memory_seconds);
    }
    const double ended = static_cast<double>(ends_);
    const double served = seconds(service_sum_ns_);
    if (ends_ > 0) {
        const double weight = service_seconds_ > 0 ? -std::expm1(-ended / service_memory_calls) : 1;
        service_seconds_ += weight * (served / ended - service_seconds_);
    }
    arrivals_ = 0;
}

// A controller that integrates: the price falls while idle time is above its share of the busy
// time, and rises back to what a start is worth. Its steps become smaller as it learns, as those
// of Robbins and Monro's approximation.
void elastic_policy::keep_within_budget(double elapsed, std::size_t idle) noexcept {
    const double served = seconds(service_sum_ns_);
    ends_ = 0;
    service_sum_ns_ = 0;
    if (elapsed <= 0) return;
    age_seconds_ += elapsed;
    const double follow = std::clamp(age_seconds_ / 3, follow_seconds_min, follow_seconds_max);
    busy_mean_ += -std::expm1(-elapsed / follow) * (served / elapsed - busy_mean_);
    // Between two looks the number of idle ones goes from what the first has left to what the
    // second finds; if it left none there was none until shortly before. Those that are kept
    // whatever they cost do not count.
    const bool slept = idle_left_ + idle_granted_ == 0;
    const double counted = slept ? std::min(elapsed, seconds(look_every_ns)) : elapsed;
    const auto found = idle - std::min(idle, idle_granted_);
    const double idled = counted * static_cast<double>(found + idle_left_) / 2;
    const double budget = idle_share * served + idle_allowance * elapsed;
    const double usual = (idle_share * busy_mean_ + idle_allowance) * follow;
    discount_ *= std::exp(std::clamp((budget - idled) / usual, -step_max, step_max));
    discount_ = std::clamp(discount_, discount_min, 1.0);
}

double elastic_policy::price_seconds() const noexcept {
    return discount_ *
           std::clamp(price_of_start * start_seconds_, price_seconds_min, price_seconds_max);
}

// Of the idle ones, how many are worth what they cost. With b busy, arrivals at rate l and mean
// service S, the i-th is used when the number of busy ones first reaches b+i. If that number falls
// below b first, the i-th becomes the (i+1)-th, which is another decision. So it stays while the
// probability of use before that, times the price, exceeds the expected time until either: in a
// birth-death chain that is while the mean first passage from b to b+i, with no way below b, takes
// less than the price. The passage is a sum over its steps: from k to k+1 it takes
// (1 + k/S * (from k-1 to k)) / l.
std::size_t elastic_policy::worth_keeping(std::size_t busy, std::size_t idle) const noexcept {
    const double price = price_seconds();
    if (rate_ * price <= 1) return 0;
    const double departures = 1 / std::max(service_seconds_, 1e-6);  // a second, of one busy one
    double step = 0;
    double passage = 0;
    std::size_t kept = 0;
    while (kept < idle) {
        step = (1 + static_cast<double>(busy + kept) * departures * step) / rate_;
        passage += step;
        if (passage >= price) break;
        ++kept;
    }
    return kept;
}

}  // namespace dunlin::actors
