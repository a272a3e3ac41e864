// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_open_loop.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <utility>

namespace dunlin::program {
namespace {

/// What functions take that are told how long to run.
struct run_time {
    std::chrono::microseconds us{0};
    DUNLIN_FIELDS(us)
};

any_value input_for(std::int64_t service_ns) {
    const std::chrono::nanoseconds exact(service_ns);
    return {encode(run_time{std::chrono::duration_cast<std::chrono::microseconds>(exact)})};
}

}  // namespace

bench_open_loop::bench_open_loop(client through, std::string function, const any_value& input,
                                 std::size_t window, bench_keys* keys)
    : function_(std::move(function)),
      input_(input),
      keys_(keys),
      window_(window),
      client_(std::move(through)) {}

bench_open_loop::outcome bench_open_loop::run(const bench_load& load, std::size_t part,
                                              std::size_t parts, clock::time_point origin) {
    // Linux adds 50 us to a sleep by default, so that wakes can be joined; they would be lag.
    (void)::prctl(PR_SET_TIMERSLACK, 1UL);
    outcome_ = {};
    sent_ = {};
    const auto cold_before = client_.stats().cold_starts;
    offered_.store(0);
    origin_ = origin;
    outcome_.offered_for = load.duration;
    support::log_histogram lag;
    bench_schedule schedule(load, part, parts);
    for (auto start = schedule.next(); start; start = schedule.next()) {
        if (!wait_until(origin + *start)) break;
        // A late sender has no gap to wait for, so it sends all that is due before it sleeps.
        lag.record(static_cast<std::uint64_t>((clock::now() - (origin + *start)).count()));
        send({*start, schedule.service_ns()});
    }
    if (stopped_.load())
        outcome_.offered_for = std::clamp(std::chrono::nanoseconds(clock::now() - origin),
                                          std::chrono::nanoseconds(0), load.duration);
    for (auto left = in_flight_.load(); left > 0; left = in_flight_.load()) in_flight_.wait(left);
    outcome_.lag = std::move(lag);
    outcome_.seconds.add(sent_);
    outcome_.calls.cold_starts = client_.stats().cold_starts - cold_before;
    return std::move(outcome_);
}

void bench_open_loop::stop() noexcept {
    {
        const std::scoped_lock lock(waiting_);
        stopped_.store(true);
    }
    wake_.notify_all();
}

bool bench_open_loop::wait_until(clock::time_point due) {
    if (clock::now() < due) {
        std::unique_lock lock(waiting_);
        wake_.wait_until(lock, due, [this] { return stopped_.load(); });
    }
    return !stopped_.load();
}

void bench_open_loop::send(const planned_call& call) {
    sent_.offer(call.start);
    offered_.fetch_add(1, std::memory_order_relaxed);
    if (in_flight_.load() >= window_) return sent_.leave_out(call.start);
    in_flight_.fetch_add(1);
    const auto drawn = call.service_ns ? input_for(*call.service_ns) : any_value{};
    call_options how;
    if (keys_ != nullptr) how.key = keys_->next(key_);
    client_.async_invoke<any_value>(
        function_, call.service_ns ? drawn : input_, how,
        [this, call, sent = clock::now()](const result<any_value>& reply) {
            finish(call, sent, reply);
        });
}

void bench_open_loop::finish(const planned_call& call, clock::time_point sent,
                             const result<any_value>& reply) {
    const auto start = call.start;
    const auto now = clock::now();
    const auto took = static_cast<std::uint64_t>((now - (origin_ + start)).count());
    {
        const std::scoped_lock lock(ends_);
        if (reply) {
            outcome_.calls.latencies.record(took);
            outcome_.seconds.succeed(start, took);
            if (call.service_ns) {
                const auto ran = static_cast<std::uint64_t>(*call.service_ns);
                outcome_.waits.record(took > ran ? took - ran : 0);
                outcome_.service_ns += *call.service_ns;
            }
        } else {
            outcome_.calls.fail(reply.error());
            outcome_.seconds.fail(start, reply.error().code);
            // How fast a node says no is its own doing: a late sender is not in it.
            if (reply.error().code == errc::overloaded)
                outcome_.refusals.record(static_cast<std::uint64_t>((now - sent).count()));
        }
    }
    if (in_flight_.fetch_sub(1) == 1) in_flight_.notify_all();
}

}  // namespace dunlin::program
