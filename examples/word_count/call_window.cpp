// SPDX-License-Identifier: Apache-2.0
#include "call_window.hpp"

#include <algorithm>
#include <utility>

namespace word_count {

using dunlin::errc;
using dunlin::error;
using dunlin::result;
using std::chrono::milliseconds;

namespace {

/// Of one call; also how long a chunk is offered to a node that has no room.
constexpr milliseconds timeout{30'000};
constexpr milliseconds pause_max{50};
constexpr milliseconds interrupt_check_interval{100};

}  // namespace

call_window::call_window(dunlin::client& client, std::size_t calls_max,
                         const std::atomic<bool>& interrupted)
    : client_(client),
      interrupted_(interrupted),
      places_(calls_max) {
    for (place& each : places_) free_.push_back(&each);
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
    place& taken = *free_.back();
    free_.pop_back();
    taken = {std::move(name), std::move(text), {}, 0, clock::now(), {}};
    send(taken);
    return {};
}

result<void> call_window::finish() {
    while (free_.size() < places_.size()) {
        if (auto waited = wait_for_answers(); !waited) return waited;
    }
    return {};
}

void call_window::send(place& from) {
    ++from.attempts;
    {
        const std::lock_guard lock(mutex_);
        ++in_flight_;
    }
    const text_chunk chunk{from.name, dunlin::as_bytes(from.text)};
    dunlin::call_options call;
    call.timeout = timeout;
    from.ticket = client_.async_invoke<text_counts>("text/count_words", chunk, call,
                                                    [this, to = &from](result<text_counts> counts) {
                                                        const std::lock_guard lock(mutex_);
                                                        answers_.push_back({to, std::move(counts)});
                                                        --in_flight_;
                                                        answered_.notify_one();
                                                    });
}

result<void> call_window::wait_for_answers() {
    auto until = clock::now() + interrupt_check_interval;
    for (const place* each : repeats_) until = std::min(until, each->due);
    std::vector<answer> arrived;
    {
        std::unique_lock lock(mutex_);
        answered_.wait_until(lock, until, [this] { return !answers_.empty(); });
        arrived.swap(answers_);
    }
    if (interrupted_) return error{errc::cancelled, "interrupted"};
    for (answer& each : arrived) {
        if (auto accepted = accept(each); !accepted) return accepted;
    }
    std::erase_if(repeats_, [this, now = clock::now()](place* each) {
        if (each->due > now) return false;
        send(*each);
        return true;
    });
    return {};
}

result<void> call_window::accept(answer& from) {
    place& asked = *from.to;
    if (!from.counts) return try_again_later(asked, std::move(from.counts.error()));
    if (from.counts->bytes != asked.text.size())
        return error{errc::internal, asked.name + ": not all of it was counted"};
    ++done_.calls;
    done_.bytes += from.counts->bytes;
    for (const auto& [word, count] : from.counts->words) done_.words[word] += count;
    free_.push_back(&asked);
    return {};
}

result<void> call_window::try_again_later(place& asked, error why) {
    const auto now = clock::now();
    if (why.code != errc::overloaded || now - asked.started > timeout) {
        why.detail = asked.name + ": " + why.detail;
        return why;
    }
    ++done_.overloaded;
    // The node's hint, and longer when it was not enough.
    const auto backoff = std::min(pause_max, milliseconds(1U << std::min(asked.attempts, 10U)));
    asked.due = now + std::max<clock::duration>(why.retry_after, backoff);
    repeats_.push_back(&asked);
    return {};
}

}  // namespace word_count
