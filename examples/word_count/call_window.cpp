// SPDX-License-Identifier: Apache-2.0
#include "call_window.hpp"

#include <algorithm>
#include <utility>

namespace word_count {

using dunlin::errc;
using dunlin::error;
using dunlin::result;

namespace {

constexpr const char* function = "text/count_words";
constexpr std::chrono::microseconds pause_min = std::chrono::milliseconds(1);
constexpr std::chrono::microseconds pause_max = std::chrono::milliseconds(50);
constexpr auto interrupt_check_interval = std::chrono::milliseconds(100);

}  // namespace

call_window::call_window(dunlin::client& client, const std::atomic<bool>& interrupted,
                         window_options options)
    : client_(client),
      interrupted_(interrupted),
      options_(options),
      places_(options.calls_max) {
    for (std::size_t at = places_.size(); at-- > 0;) free_.push_back(at);
}

call_window::~call_window() {
    for (const place& each : places_) {
        // Ignored when the call has been answered.
        if (each.ticket.id != 0) client_.cancel(each.ticket);
    }
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [this] { return in_flight_ == 0; });
}

result<void> call_window::start(std::string name, std::string text) {
    // Nothing new while the node has no room for what it was sent.
    while (free_.empty() || !repeats_.empty()) {
        if (auto waited = wait_for_answers(); !waited) return waited;
    }
    const std::size_t at = free_.back();
    free_.pop_back();
    places_[at] = {std::move(name), std::move(text), {}, 0, clock::now()};
    send(at);
    return {};
}

result<void> call_window::finish() {
    while (free_.size() < places_.size()) {
        if (auto waited = wait_for_answers(); !waited) return waited;
    }
    return {};
}

void call_window::send(std::size_t at) {
    place& from = places_[at];
    ++from.attempts;
    {
        const std::lock_guard lock(mutex_);
        ++in_flight_;
    }
    const text_chunk chunk{from.name, dunlin::as_bytes(from.text)};
    dunlin::call_options call;
    call.timeout = options_.timeout;
    from.ticket = client_.async_invoke<text_counts>(function, chunk, call,
                                                    [this, at](result<text_counts> counts) {
                                                        const std::lock_guard lock(mutex_);
                                                        answers_.push_back({at, std::move(counts)});
                                                        --in_flight_;
                                                        answered_.notify_one();
                                                    });
}

call_window::clock::time_point call_window::wake_time() const {
    auto when = clock::now() + interrupt_check_interval;
    for (const repeat& each : repeats_) when = std::min(when, each.due);
    return when;
}

result<void> call_window::wait_for_answers() {
    std::vector<answer> arrived;
    {
        std::unique_lock lock(mutex_);
        answered_.wait_until(lock, wake_time(), [this] { return !answers_.empty(); });
        arrived.swap(answers_);
    }
    if (interrupted_) return error{errc::cancelled, "interrupted"};
    for (answer& each : arrived) {
        if (auto accepted = accept(each); !accepted) return accepted;
    }
    send_repeats();
    return {};
}

result<void> call_window::accept(answer& from) {
    const place& asked = places_[from.at];
    if (!from.counts) {
        error& why = from.counts.error();
        if (why.code == errc::overloaded) return try_again_later(from.at, why);
        why.detail = asked.name + ": " + why.detail;
        return std::move(why);
    }
    if (from.counts->bytes != asked.text.size()) {
        return error{errc::internal, asked.name + ": " + function + " counted " +
                                         std::to_string(from.counts->bytes) + " bytes of " +
                                         std::to_string(asked.text.size())};
    }
    ++totals_.calls;
    totals_.bytes += from.counts->bytes;
    add_counts(totals_.words, std::move(from.counts->words));
    free_.push_back(from.at);
    return {};
}

result<void> call_window::try_again_later(std::size_t at, const error& why) {
    const place& asked = places_[at];
    const auto now = clock::now();
    if (now - asked.started > options_.timeout) {
        return error{errc::overloaded,
                     "the node had no room for " + std::to_string(asked.attempts) +
                         " attempts; try a smaller --window (" + why.detail + ")"};
    }
    ++totals_.overloaded;
    // The node's hint, and longer when it was not enough.
    const auto backoff = std::min(pause_max, pause_min * (1U << std::min(asked.attempts, 10U)));
    repeats_.push_back({now + std::max(why.retry_after, backoff), at});
    return {};
}

void call_window::send_repeats() {
    const auto now = clock::now();
    const auto due = std::partition(repeats_.begin(), repeats_.end(),
                                    [now](const repeat& each) { return each.due > now; });
    const std::vector<repeat> again(due, repeats_.end());
    repeats_.erase(due, repeats_.end());
    for (const repeat& each : again) send(each.at);
}

}  // namespace word_count
