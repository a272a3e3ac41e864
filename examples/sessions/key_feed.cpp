// SPDX-License-Identifier: Apache-2.0
#include "key_feed.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sessions {

using dunlin::errc;
using dunlin::error;
using dunlin::result;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t views_in_a_call_max = 512;
constexpr milliseconds timeout{5'000};
constexpr milliseconds pause_max{200};
constexpr milliseconds interrupt_check_interval{100};

constexpr const char* function_of(kind what) {
    return what == kind::visitor ? "sessions/visit" : "sessions/count";
}

// Folding a view twice counts it once, so whatever may be over soon is tried again.
bool may_pass(errc code) {
    return code == errc::overloaded || code == errc::unavailable ||
           code == errc::deadline_exceeded || code == errc::conflict;
}

}  // namespace

key_feed::key_feed(dunlin::client& client, options how, const std::atomic<bool>& interrupted)
    : client_(client),
      options_(std::move(how)),
      interrupted_(interrupted) {}

key_feed::~key_feed() {
    for (auto& table : queues_)
        for (auto& [key, queue] : table)
            if (queue.sent != 0) client_.cancel(queue.ticket);
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [this] { return in_flight_ == 0; });
}

result<void> key_feed::add(kind what, std::string_view key, const view& seen) {
    while (waiting_ >= options_.waiting_max)
        if (auto waited = wait(); !waited) return waited;
    const auto [at, made] = queues_[static_cast<std::size_t>(what)].try_emplace(std::string(key));
    auto& queue = at->second;
    if (made) {
        queue.what = what;
        queue.key = at->first;
    }
    queue.waiting.push_back(seen);
    ++waiting_;
    if (std::exchange(queue.idle, false)) ready_.push_back(&queue);
    // What has been answered makes room without anybody waiting for it.
    if (under_way_ == options_.calls_max)
        if (auto taken = take_answers(clock::time_point()); !taken) return taken;
    send_ready();
    return {};
}

result<void> key_feed::finish() {
    while (waiting_ != 0)
        if (auto waited = wait(); !waited) return waited;
    return {};
}

void key_feed::send_ready() {
    for (; under_way_ < options_.calls_max && !ready_.empty(); ready_.pop_front())
        send(*ready_.front());
}

void key_feed::send(key_queue& from) {
    if (from.attempts++ == 0) from.since = clock::now();
    // A call that is tried again has the views that it had, and those that have come since.
    from.sent = std::min(from.waiting.size(), views_in_a_call_max);
    views news{from.key, options_.log, options_.gap_seconds, {}};
    news.seen.assign(from.waiting.begin(),
                     from.waiting.begin() + static_cast<std::ptrdiff_t>(from.sent));
    ++counters_.calls;
    ++under_way_;
    {
        const std::lock_guard lock(mutex_);
        ++in_flight_;
    }
    dunlin::call_options call;
    call.timeout = timeout;
    from.ticket = client_.async_invoke<totals>(function_of(from.what), news, call,
                                               [this, of = &from](result<totals> folded) {
                                                   const std::lock_guard lock(mutex_);
                                                   answers_.push_back({of, std::move(folded)});
                                                   --in_flight_;
                                                   answered_.notify_one();
                                               });
}

result<void> key_feed::wait() {
    send_ready();
    auto until = clock::now() + interrupt_check_interval;
    for (const key_queue* each : repeats_) until = std::min(until, each->due);
    auto taken = take_answers(until);
    send_ready();
    return taken;
}

result<void> key_feed::take_answers(clock::time_point until) {
    std::vector<answer> arrived;
    {
        std::unique_lock lock(mutex_);
        answered_.wait_until(lock, until, [this] { return !answers_.empty(); });
        arrived.swap(answers_);
    }
    if (interrupted_) return error{errc::cancelled, "interrupted"};
    for (answer& each : arrived)
        if (auto accepted = accept(each); !accepted) return accepted;
    std::erase_if(repeats_, [this, now = clock::now()](key_queue* each) {
        if (each->due > now) return false;
        ready_.push_back(each);
        return true;
    });
    return {};
}

result<void> key_feed::accept(answer& from) {
    auto& asked = *from.of;
    const auto sent = std::exchange(asked.sent, 0);
    --under_way_;
    if (!from.folded) return try_again_later(asked, std::move(from.folded.error()));
    asked.attempts = 0;
    asked.known = *from.folded;
    if (asked.what == kind::page) counters_.added += from.folded->added;
    asked.waiting.erase(asked.waiting.begin(),
                        asked.waiting.begin() + static_cast<std::ptrdiff_t>(sent));
    waiting_ -= sent;
    if (asked.waiting.empty())
        asked.idle = true;
    else
        ready_.push_back(&asked);
    return {};
}

result<void> key_feed::try_again_later(key_queue& asked, error why) {
    const auto now = clock::now();
    if (!may_pass(why.code) || now - asked.since > options_.patience) {
        why.detail = std::string(asked.key) + ": " + why.detail;
        return why;
    }
    ++counters_.again;
    // The node's hint, and longer when it was not enough.
    const auto backoff = std::min(pause_max, milliseconds(1U << std::min(asked.attempts, 10U)));
    asked.due = now + std::max<clock::duration>(why.retry_after, backoff);
    repeats_.push_back(&asked);
    return {};
}

}  // namespace sessions
