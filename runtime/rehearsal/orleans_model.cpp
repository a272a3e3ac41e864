// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/orleans_model.hpp"

#include <algorithm>
#include <iterator>

namespace dunlin::runtime::rehearsal {
namespace {

// Tuned there with a genetic algorithm.
constexpr double kp = 0.433;
constexpr double ki = 0.468;
constexpr double kd = 0.480;
constexpr std::int64_t inspections_in_second = 2;
// GrainCollectionOptions: looked at once a minute.
constexpr std::int64_t inspections_in_minute = 60 * inspections_in_second;
constexpr std::int64_t collection_age_seconds = 15 * 60;

}  // namespace

bool worker_controller::inspect(double waiting_mean) noexcept {
    const double error = -waiting_mean;
    integral_ += error;
    const double derivative = error - previous_;
    previous_ = error;
    // One such cycle is enough, by default.
    return kp * error + ki * integral_ + kd * derivative < 0;
}

orleans_model::orleans_model(const options& with, chance from, tally& totals, timeline* record)
    : options_(with),
      chance_(from),
      totals_(totals),
      record_(record) {}

void orleans_model::arrive(std::int64_t now_ns, std::int64_t service_ns) {
    if (record_ != nullptr) record_->called(now_ns);
    const bool full = inactive_.empty() && workers_.size() >= options_.max;
    if (full && waiting_ >= queue_max) {
        totals_.refuse();
        return;
    }
    const call next{now_ns, service_ns};
    if (!inactive_.empty()) {
        const auto which = *inactive_.begin();
        inactive_.erase(inactive_.begin());
        run(now_ns, which, next);
    } else {
        enqueue(workers_.size() < options_.max ? make(now_ns) : by_waiting_.begin()->second, next);
    }
    settle(now_ns);
}

orleans_model::id orleans_model::make(std::int64_t now_ns) {
    if (workers_.empty()) {  // a context of its own, with a timer of its own
        controller_ = {};
        timer_since_ns_ = now_ns;
    }
    workers_.emplace(made_, worker{});
    by_waiting_.emplace(0, made_);
    totals_.actors_changed(now_ns, 1);
    events_.emplace(now_ns + options_.start_ns, made_);
    return made_++;
}

void orleans_model::enqueue(id of, const call& next) {
    auto& queue = workers_.at(of).queue;
    by_waiting_.erase({queue.size(), of});
    queue.push_back(next);
    by_waiting_.emplace(queue.size(), of);
    ++waiting_;
}

void orleans_model::advance() {
    const auto now = next_ns_;
    if (!events_.empty() && events_.top().first == now) {
        const auto which = events_.top().second;
        events_.pop();
        auto& running = workers_.at(which).running;
        if (running) --busy_;
        running = false;
        run_next(now, which);
    } else {
        inspect(now);
    }
    settle(now);
}

void orleans_model::run(std::int64_t now_ns, id by, const call& next) {
    workers_.at(by).running = true;
    ++busy_;
    const auto wait = now_ns - next.arrived_ns;
    totals_.began(wait, next.service_ns);
    if (record_ != nullptr) record_->waited(now_ns, wait);
    events_.emplace(after(now_ns, next.service_ns), by);
}

void orleans_model::run_next(std::int64_t now_ns, id by) {
    auto& of = workers_.at(by);
    if (of.queue.empty()) {
        of.idle_since_ns = now_ns;
        inactive_.insert(by);
        return;
    }
    const auto next = of.queue.front();
    by_waiting_.erase({of.queue.size(), by});
    of.queue.pop_front();
    by_waiting_.emplace(of.queue.size(), by);
    --waiting_;
    run(now_ns, by, next);
}

void orleans_model::inspect(std::int64_t now_ns) {
    const double mean =
        workers_.empty() ? 0 : static_cast<double>(waiting_) / static_cast<double>(workers_.size());
    if (controller_.inspect(mean) && !inactive_.empty()) {
        const auto at = chance_.below(inactive_.size());
        const auto which = *std::next(inactive_.begin(), static_cast<std::ptrdiff_t>(at));
        controller_.removed(inactive_.size());
        remove(now_ns, which);
    }
    const auto period = std::max<std::int64_t>(1, options_.second_ns / inspections_in_second);
    if ((now_ns - timer_since_ns_) / period % inspections_in_minute == 0) collect(now_ns);
}

void orleans_model::collect(std::int64_t now_ns) {
    std::vector<id> old;
    for (const auto which : inactive_)
        if (now_ns - workers_.at(which).idle_since_ns >=
            collection_age_seconds * options_.second_ns)
            old.push_back(which);
    for (const auto which : old) remove(now_ns, which);
}

void orleans_model::remove(std::int64_t now_ns, id which) {
    inactive_.erase(which);
    by_waiting_.erase({0, which});
    workers_.erase(which);
    totals_.actors_changed(now_ns, -1);
}

// An inspection changes nothing while nothing waits and the controller remembers nothing, except
// once a minute.
std::int64_t orleans_model::next_inspection(std::int64_t now_ns) const noexcept {
    if (workers_.empty()) return never;
    const auto period = std::max<std::int64_t>(1, options_.second_ns / inspections_in_second);
    auto number = (now_ns - timer_since_ns_) / period + 1;
    if (waiting_ == 0 && controller_.at_rest())
        number =
            (number + inspections_in_minute - 1) / inspections_in_minute * inspections_in_minute;
    return timer_since_ns_ + number * period;
}

void orleans_model::settle(std::int64_t now_ns) {
    if (record_ != nullptr) record_->actors_are(now_ns, workers_.size(), busy_);
    inspect_at_ns_ = next_inspection(now_ns);
    next_ns_ = events_.empty() ? inspect_at_ns_ : std::min(events_.top().first, inspect_at_ns_);
}

}  // namespace dunlin::runtime::rehearsal
