// SPDX-License-Identifier: Apache-2.0
//
// A function under more load than it can bear, in virtual time: callers, a queue, servers.
//
// Events in order of time, from one seed: calls arrive (at random, or again after an answer), wait
// where a `Discipline` says, hold a server for their service time, and their answer needs
// `way_back_ns` to the caller, who counts it as good if it is there by the deadline. The node knows
// only what a pool knows: service times that ended, smoothed, and its own clock, which may jump.
#pragma once

#include "actors/service_time.hpp"
#include "support/log_histogram.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <random>
#include <utility>
#include <vector>

namespace overload {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t second = 1'000 * ms;
constexpr std::int64_t way_back_ns = 300'000;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

struct call {
    std::uint64_t caller = 0;      // who counts it
    std::uint64_t name = 0;        // who it is to the node
    std::int64_t sent_ns = 0;      // the world's clock
    std::int64_t arrived_ns = 0;   // the node's clock
    std::int64_t deadline_ns = 0;  // the node's clock
    std::int64_t patience_ns = 0;
};

/// Whoever calls: at random `per_second`, or always with `in_flight` calls.
struct caller_spec {
    double per_second = 0;
    std::int64_t patience_ns = second;
    std::size_t in_flight = 0;
    std::size_t names = 1;  // so many that are one here and callers of their own to the node
    std::int64_t from_ns = 0;
    std::int64_t until_ns = never;
};

struct function_spec {
    std::size_t servers = 2;
    std::int64_t service_ns = ms;
    bool exponential = false;
    [[nodiscard]] double per_second() const {
        return static_cast<double>(servers) * 1e9 / static_cast<double>(service_ns);
    }
};

/// What became of one caller's calls.
struct caller_result {
    std::uint64_t sent = 0;
    std::uint64_t good = 0;
    std::uint64_t late = 0;     // taken, and no use: ended after the deadline or dropped
    std::uint64_t refused = 0;  // at once
    std::vector<std::uint64_t> good_by_second;
    dunlin::support::log_histogram latency;  // of the good ones, ns
};

template <class Discipline>
class simulation {
public:
    simulation(function_spec function, std::vector<caller_spec> callers, std::uint64_t seed,
               Discipline& discipline)
        : function_(function),
          discipline_(discipline),
          random_(seed),
          idle_(function.servers) {
        for (const auto& each : callers) add(each);
    }

    void run_until(std::int64_t end_ns) {
        for (;;) {
            const auto at_ns = next_event();
            if (at_ns > end_ns) break;
            now_ns_ = at_ns;
            if (!ends_.empty() && ends_.top().at_ns == at_ns)
                end_one();
            else if (!resends_.empty() && resends_.top().first == at_ns)
                resend_one();
            else
                arrive_one(at_ns);
        }
        now_ns_ = end_ns;
    }
    void set_service_ns(std::int64_t service_ns) { function_.service_ns = service_ns; }
    void jump_clock(std::int64_t by_ns) { clock_ns_ += by_ns; }

    [[nodiscard]] const caller_result& of(std::size_t caller) const { return results_[caller]; }
    /// When, from `from_ns` on, a server found nothing waiting for the first time.
    void watch(std::int64_t from_ns) { watched_ns_ = from_ns; }
    [[nodiscard]] std::int64_t drained_ns() const { return drained_ns_; }

private:
    struct ending {
        std::int64_t at_ns;
        std::int64_t took_ns;
        call what;
        bool operator>(const ending& other) const { return at_ns > other.at_ns; }
    };
    using resend = std::pair<std::int64_t, std::uint64_t>;  // when, whose
    template <class T>
    using soonest = std::priority_queue<T, std::vector<T>, std::greater<>>;

    void add(const caller_spec& spec) {
        const auto id = callers_.size();
        callers_.push_back(spec);
        results_.emplace_back();
        due_.push_back(spec.per_second > 0 ? spec.from_ns + gap(spec.per_second) : never);
        for (std::size_t i = 0; i < spec.in_flight; ++i) resends_.push({spec.from_ns, id});
    }
    [[nodiscard]] std::int64_t gap(double per_second) {
        return static_cast<std::int64_t>(
            std::exponential_distribution<double>(per_second)(random_) * 1e9);
    }
    [[nodiscard]] std::int64_t next_event() const {
        auto at_ns = *std::min_element(due_.begin(), due_.end());
        if (!ends_.empty()) at_ns = std::min(at_ns, ends_.top().at_ns);
        if (!resends_.empty()) at_ns = std::min(at_ns, resends_.top().first);
        return at_ns;
    }
    [[nodiscard]] std::int64_t node_ns() const { return now_ns_ + clock_ns_; }

    void arrive_one(std::int64_t at_ns) {
        const auto id =
            static_cast<std::size_t>(std::find(due_.begin(), due_.end(), at_ns) - due_.begin());
        const auto& spec = callers_[id];
        due_[id] = at_ns + gap(spec.per_second);
        if (due_[id] >= spec.until_ns) due_[id] = never;
        send(id);
    }
    void resend_one() {
        const auto id = resends_.top().second;
        resends_.pop();
        if (now_ns_ < callers_[id].until_ns) send(id);
    }
    void again(std::uint64_t id, std::int64_t after_ns) {
        if (callers_[id].in_flight != 0) resends_.push({now_ns_ + after_ns, id});
    }

    void send(std::uint64_t id) {
        const auto patience_ns = callers_[id].patience_ns;
        ++results_[id].sent;
        const auto names = callers_[id].names;
        const auto name = (id << 32U) + (names > 1 ? random_() % names : 0);
        const call sent{id, name, now_ns_, node_ns(), node_ns() + patience_ns, patience_ns};
        if (idle_ != 0) {
            --idle_;
            return start(sent);
        }
        const auto retry_after_ns = discipline_.offer(
            sent, node_ns(), service_.predicted_ns(), function_.servers,
            [&](const call& out, std::int64_t retry_ns) { refused(out, retry_ns); });
        if (retry_after_ns) return refused(sent, *retry_after_ns);
    }
    void refused(const call& what, std::int64_t retry_after_ns) {
        ++results_[what.caller].refused;
        again(what.caller, std::max(retry_after_ns, way_back_ns));
    }
    void start(const call& what) {
        auto took_ns = function_.service_ns;
        if (function_.exponential)
            took_ns = gap(1e9 / static_cast<double>(function_.service_ns)) + 1;
        ends_.push({now_ns_ + took_ns, took_ns, what});
    }
    void end_one() {
        const auto ended = ends_.top();
        ends_.pop();
        service_.record(ended.took_ns, 1);
        auto& result = results_[ended.what.caller];
        const auto latency_ns = now_ns_ + way_back_ns - ended.what.sent_ns;
        if (latency_ns <= ended.what.patience_ns) {
            ++result.good;
            const auto in = static_cast<std::size_t>(now_ns_ / second);
            if (result.good_by_second.size() <= in) result.good_by_second.resize(in + 1);
            ++result.good_by_second[in];
            result.latency.record(static_cast<std::uint64_t>(latency_ns));
        } else {
            late(ended.what);
        }
        again(ended.what.caller, way_back_ns);
        const auto next =
            discipline_.take(node_ns(), service_.predicted_ns(), [&](const call& out) {
                late(out);
                again(out.caller, way_back_ns);
            });
        if (next) {
            start(*next);
            return;
        }
        ++idle_;
        if (now_ns_ >= watched_ns_) drained_ns_ = std::min(drained_ns_, now_ns_);
    }
    void late(const call& what) { ++results_[what.caller].late; }

    function_spec function_;
    Discipline& discipline_;
    std::mt19937_64 random_;
    std::size_t idle_;
    std::vector<caller_spec> callers_;
    std::vector<caller_result> results_;
    std::vector<std::int64_t> due_;
    soonest<ending> ends_;
    soonest<resend> resends_;
    dunlin::actors::service_time service_;
    std::int64_t now_ns_ = 0;
    std::int64_t clock_ns_ = second;
    std::int64_t watched_ns_ = 0;
    std::int64_t drained_ns_ = never;
};

}  // namespace overload
