// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/ordered_calls.hpp"

#include "cluster/refusal_pause.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

namespace dunlin::program {

namespace {

constexpr std::chrono::milliseconds pause_min{1};
constexpr std::chrono::milliseconds pause_max{1000};

std::uint64_t random_seed() {
    std::random_device entropy;
    return std::uint64_t{entropy()} << 32 | entropy();
}

}  // namespace

ordered_calls::ordered_calls(client& through, std::string function, std::string key,
                             call_traces traces, std::size_t window,
                             std::chrono::microseconds patience)
    : client_(through),
      function_(std::move(function)),
      key_(std::move(key)),
      traces_(std::move(traces)),
      slots_(window),
      patience_(patience),
      random_(random_seed()),
      fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

ordered_calls::~ordered_calls() { ::close(fd_); }

ordered_calls::slot& ordered_calls::claim(std::uint64_t tag) {
    auto& at = slots_[started_++ % slots_.size()];
    at.done.store(false, std::memory_order_relaxed);
    at.tag = tag;
    at.ticket = {};
    at.trace.clear();
    at.attempts = 0;
    at.info = {};
    return at;
}

void ordered_calls::start(std::uint64_t tag, any_value input) {
    auto& at = claim(tag);
    at.input = std::move(input);
    at.trace = traces_.next();
    at.started = clock::now();
    send(at);
}

void ordered_calls::send(slot& at) {
    call_options options{.key = key_, .trace = at.trace, .info = &at.info};
    // All attempts together have the time of one call.
    if (at.attempts++ != 0)
        options.timeout = std::max(std::chrono::duration_cast<std::chrono::microseconds>(
                                       at.started + patience_ - clock::now()),
                                   std::chrono::microseconds(1));
    at.ticket = client_.async_invoke<any_value>(
        function_, at.input, options,
        [this, &at](result<any_value> reply) { finish(at, std::move(reply)); });
}

void ordered_calls::refuse(std::uint64_t tag, error why) {
    auto& at = claim(tag);
    at.reply = std::move(why);
    at.done.store(true, std::memory_order_relaxed);
}

void ordered_calls::finish(slot& at, result<any_value> reply) noexcept {
    at.reply = std::move(reply);
    const bool refused = !at.reply && at.reply.error().code == errc::overloaded;
    if (!refused || patience_.count() == 0 || cancelled_.load()) return settle(at);
    {
        const std::lock_guard lock(mutex_);
        refused_.push_back(&at);
    }
    wake_owner();
}

void ordered_calls::settle(slot& at) noexcept {
    at.done.store(true);
    wake_owner();
}

// Sequentially consistent with `prepare_wait`: either the owner sees the outcome, or this sees
// the owner waiting.
void ordered_calls::wake_owner() noexcept {
    if (!waiting_.exchange(false)) return;
    const std::uint64_t one = 1;
    (void)!::write(fd_, &one, sizeof one);
}

void ordered_calls::schedule_refused(clock::time_point now) {
    std::vector<slot*> refused;
    {
        const std::lock_guard lock(mutex_);
        refused.swap(refused_);
    }
    for (auto* at : refused) {
        // What the node asks for, and longer when that was not enough. The client has added its
        // jitter to the former; the latter would be the same for all who were refused together.
        const std::chrono::microseconds longer =
            std::min(pause_max, pause_min * (1U << std::min(at->attempts, 10U)));
        const std::chrono::microseconds with_jitter(
            cluster::with_jitter(static_cast<std::uint64_t>(longer.count()), random_));
        const auto asked =
            std::min(std::max(at->reply.error().retry_after, with_jitter), patience_);
        // An attempt at the last moment would only turn "no room" into "too late".
        if (cancelled_ || asked >= at->started + patience_ - now)
            settle(*at);
        else
            repeats_.push_back({now + asked, at});
    }
}

ordered_calls::clock::time_point ordered_calls::send_repeats() {
    const auto now = clock::now();
    schedule_refused(now);
    auto next = clock::time_point::max();
    std::vector<repeat> waiting;
    for (const auto& each : std::exchange(repeats_, {})) {
        if (each.due <= now) {
            ++repeated_;
            send(*each.at);
        } else {
            next = std::min(next, each.due);
            waiting.push_back(each);
        }
    }
    repeats_.insert(repeats_.end(), waiting.begin(), waiting.end());
    return next;
}

bool ordered_calls::take(outcome& next) {
    if (empty()) return false;
    auto& at = slots_[taken_ % slots_.size()];
    if (!at.done.load(std::memory_order_acquire)) return false;
    next.tag = at.tag;
    next.reply = std::exchange(at.reply, result<any_value>{});
    next.trace = at.trace;
    next.info = at.info;
    ++taken_;
    return true;
}

void ordered_calls::cancel() {
    cancelled_ = true;
    schedule_refused(clock::now());
    for (const auto& each : std::exchange(repeats_, {})) settle(*each.at);
    for (auto i = taken_; i != started_; ++i) {
        auto& at = slots_[i % slots_.size()];
        if (!at.done.load(std::memory_order_acquire)) client_.cancel(at.ticket);
    }
}

bool ordered_calls::prepare_wait() noexcept {
    waiting_.store(true);
    {
        const std::lock_guard lock(mutex_);
        if (!refused_.empty()) return false;
    }
    return empty() || !slots_[taken_ % slots_.size()].done.load();
}

void ordered_calls::end_wait() noexcept {
    waiting_.store(false);
    std::uint64_t count = 0;
    (void)!::read(fd_, &count, sizeof count);
}

}  // namespace dunlin::program
