// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_loop.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace dunlin::program {
namespace {

std::int64_t now_ns() noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// The slot that this thread is starting. A call that is refused on the spot ends inside its own
// start; without this, a run of refusals would be a recursion as deep as it is long.
thread_local const void* starting = nullptr;
thread_local bool ended_inside = false;

}  // namespace

bench_loop::bench_loop(client through, std::string function, const any_value& input,
                       std::size_t window, bench_keys* keys)
    : function_(std::move(function)),
      input_(input),
      keys_(keys),
      slots_(window),
      client_(std::move(through)) {}

bench_outcome bench_loop::run(std::uint64_t requests, std::chrono::nanoseconds at_most) {
    outcome_ = {};
    const auto cold_before = client_.stats().cold_starts;
    end_ns_ = now_ns() + at_most.count();
    issued_.store(0);
    requests_.store(requests);
    if (stopped_.load()) requests_.store(0);
    if (slots_.size() == 1) {
        run_waiting();
    } else {
        run_asynchronous();
    }
    outcome_.cold_starts = client_.stats().cold_starts - cold_before;
    return std::move(outcome_);
}

void bench_loop::stop() noexcept {
    stopped_.store(true);
    requests_.store(0);
}

std::uint64_t bench_loop::issued() const noexcept {
    return std::min(issued_.load(std::memory_order_relaxed), requests_.load());
}

bool bench_loop::claim(std::int64_t now) noexcept {
    return now < end_ns_ && issued_.fetch_add(1, std::memory_order_relaxed) <
                                requests_.load(std::memory_order_relaxed);
}

void bench_loop::run_waiting() {
    std::string key;
    auto start = now_ns();
    while (claim(start)) {
        call_options how;
        if (keys_ != nullptr) how.key = keys_->next(key);
        const auto reply = client_.invoke<any_value>(function_, input_, how);
        const auto end = now_ns();
        record(end - start, reply);
        start = end;
    }
}

void bench_loop::run_asynchronous() {
    active_.store(slots_.size());
    for (auto& at : slots_) {
        at.start_ns = now_ns();
        if (claim(at.start_ns)) {
            launch(at);
        } else {
            active_.fetch_sub(1);
        }
    }
    for (auto active = active_.load(); active > 0; active = active_.load()) active_.wait(active);
}

void bench_loop::launch(slot& at) {
    const void* const outer = std::exchange(starting, &at);
    std::string key;
    do {
        call_options how;
        if (keys_ != nullptr) how.key = keys_->next(key);
        client_.async_invoke<any_value>(
            function_, input_, how,
            [this, &at](const result<any_value>& reply) { finish(at, reply); });
        // From here on the slot is the callback's, unless that has come already.
    } while (std::exchange(ended_inside, false));
    starting = outer;
}

void bench_loop::finish(slot& at, const result<any_value>& reply) {
    const auto now = now_ns();
    record(now - at.start_ns, reply);
    if (!claim(now)) {
        if (active_.fetch_sub(1) == 1) active_.notify_all();
        return;
    }
    at.start_ns = now;
    if (starting == &at) {
        ended_inside = true;
    } else {
        launch(at);
    }
}

void bench_loop::record(std::int64_t nanoseconds, const result<any_value>& reply) {
    if (reply) return outcome_.latencies.record(static_cast<std::uint64_t>(nanoseconds));
    const std::scoped_lock lock(errors_);
    outcome_.fail(reply.error());
}

}  // namespace dunlin::program
