// SPDX-License-Identifier: Apache-2.0
//
// What is compared under overload: the queue and the limit of pools, what they are instead of, and
// the newest first.
//
// `offer` queues a call, or says after how many nanoseconds a refused one may come back;
// `pushed_out(call, ns)` gets others that are refused for it. `take` gives the next one to run;
// `late(call)` gets what is dropped before it.
#pragma once

#include "actors/admission_limit.hpp"
#include "actors/call_queue.hpp"
#include "tests/unit/actors/overload_simulation.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace overload {

constexpr std::size_t queue_max = 16'384;

/// First come, first served until it is full; what is too late when its turn comes does not run.
class plain_fifo {
public:
    template <class PushedOut>
    std::optional<std::int64_t> offer(const call& what, std::int64_t /*now_ns*/,
                                      std::int64_t service_ns, std::size_t servers,
                                      PushedOut&& /*pushed_out*/) {
        if (waiting_.size() >= queue_max)
            return dunlin::actors::predicted_wait_ns(waiting_.size(), service_ns, servers);
        waiting_.push_back(what);
        return std::nullopt;
    }
    template <class Late>
    std::optional<call> take(std::int64_t now_ns, std::int64_t /*service_ns*/, Late&& late) {
        while (!waiting_.empty()) {
            const auto next = waiting_.front();
            waiting_.pop_front();
            if (now_ns <= next.deadline_ns) return next;
            late(next);
        }
        return std::nullopt;
    }

private:
    std::deque<call> waiting_;
};

/// What pools are to use.
class fair_and_limited {
public:
    explicit fair_and_limited(dunlin::actors::standing_rule rule = {})
        : waiting_(queue_max, 1, rule),
          limit_(rule.target_ns) {}

    template <class PushedOut>
    std::optional<std::int64_t> offer(const call& what, std::int64_t now_ns,
                                      std::int64_t service_ns, std::size_t servers,
                                      PushedOut&& pushed_out) {
        const dunlin::actors::call_share share{what.name};
        const auto prospect = waiting_.look(share);
        const dunlin::actors::admission_view view{
            dunlin::actors::predicted_wait_ns(prospect.ahead, service_ns, servers), service_ns,
            what.deadline_ns - now_ns, prospect.stands};
        if (const auto decision = limit_.decide(view); !decision.admitted)
            return decision.retry_after_ns;
        const auto refuse = [&](auto&& out) {
            pushed_out(out.work, limit_.full(view).retry_after_ns);
        };
        if (!waiting_.push(share, {what, 1, what.deadline_ns, what.arrived_ns}, refuse))
            return limit_.full(view).retry_after_ns;
        bytes_max_ = std::max(bytes_max_, waiting_.bytes());
        waiting_max_ = std::max(waiting_max_, waiting_.waiting());
        return std::nullopt;
    }
    template <class Late>
    std::optional<call> take(std::int64_t now_ns, std::int64_t service_ns, Late&& late) {
        for (;;) {
            auto look = waiting_.pop(now_ns, service_ns, [&](auto&& out) { late(out.work); });
            if (look.next) return look.next->work;
            if (!look.again) return std::nullopt;
        }
    }
    [[nodiscard]] std::size_t bytes_max() const { return bytes_max_; }
    [[nodiscard]] std::size_t waiting_max() const { return waiting_max_; }

private:
    dunlin::actors::call_queue<call> waiting_;
    dunlin::actors::admission_limit limit_;
    std::size_t bytes_max_ = 0;
    std::size_t waiting_max_ = 0;
};

/// The same limit; while the queue stands the newest goes first (Maurer, *Fail at Scale*). One
/// caller only.
class newest_first {
public:
    template <class PushedOut>
    std::optional<std::int64_t> offer(const call& what, std::int64_t now_ns,
                                      std::int64_t service_ns, std::size_t servers,
                                      PushedOut&& /*pushed_out*/) {
        const auto decision =
            limit_.decide({dunlin::actors::predicted_wait_ns(waiting_.size(), service_ns, servers),
                           service_ns, what.deadline_ns - now_ns, delay_.stands()});
        if (!decision.admitted || waiting_.size() >= queue_max) return decision.retry_after_ns;
        waiting_.push_back(what);
        return std::nullopt;
    }
    template <class Late>
    std::optional<call> take(std::int64_t now_ns, std::int64_t service_ns, Late&& late) {
        while (!waiting_.empty()) {
            // The oldest tells how long the queue is, whoever goes.
            const auto oldest = waiting_.front();
            delay_.left(now_ns, now_ns - oldest.arrived_ns, rule_);
            if (oldest.deadline_ns - service_ns < now_ns) {
                waiting_.pop_front();
                late(oldest);
                continue;
            }
            const auto next = delay_.stands() ? waiting_.back() : oldest;
            if (delay_.stands())
                waiting_.pop_back();
            else
                waiting_.pop_front();
            if (waiting_.empty()) delay_.emptied();
            return next;
        }
        return std::nullopt;
    }

private:
    std::deque<call> waiting_;
    dunlin::actors::admission_limit limit_;
    dunlin::actors::standing_queue delay_;
    dunlin::actors::standing_rule rule_;
};

}  // namespace overload
