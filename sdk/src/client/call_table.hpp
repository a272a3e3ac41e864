// SPDX-License-Identifier: Apache-2.0
//
// The calls that have no answer yet.
//
// A call's id names its slot and how often that slot has been used, so an answer finds its call
// without a search, and an answer that comes late, twice or out of nowhere finds none. Slots are
// made in chunks as they are needed, keep their addresses and are used again, the latest first;
// a call allocates nothing else. Each call is settled exactly once.
//
// The driver owns the table and guards it with its mutex; a call that is settled but not yet
// released belongs to the thread that answers it.
#pragma once

#include "support/timer_wheel.hpp"

#include <dunlin/detail/callback.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::link {

class connection;
class waiter;

/// One call, from its start until its answer has been handed over. Its timer is the deadline.
struct call : support::timer_node {
    std::uint64_t id = 0;      // 0: settled, nothing finds it any more
    connection* on = nullptr;  // null: held until there is a connection
    waiter* sync = nullptr;    // who waits for it; otherwise `done` is called
    detail::callback done;
    std::string function;
    std::chrono::microseconds timeout{0};
    std::uint64_t next_id = 0;
};

class call_table {
public:
    static constexpr std::size_t calls_per_chunk = 256;
    static constexpr unsigned index_bits = 24;
    static constexpr std::size_t in_flight_limit = (std::size_t{1} << index_bits) / 2;

    explicit call_table(std::size_t in_flight_max)
        : in_flight_max_(std::min(in_flight_max, in_flight_limit)) {}

    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
    [[nodiscard]] std::size_t in_flight_max() const noexcept { return in_flight_max_; }
    [[nodiscard]] bool full() const noexcept { return in_flight_ >= in_flight_max_; }

    /// A call with a fresh id. @pre not `full()`.
    [[nodiscard]] call& open() {
        if (free_.empty()) add_chunk();
        call& opened = *free_.back();
        free_.pop_back();
        opened.id = opened.next_id;
        opened.next_id += std::uint64_t{1} << index_bits;
        ++in_flight_;
        return opened;
    }

    /// The unanswered call of that id, or null.
    [[nodiscard]] call* find(std::uint64_t id) noexcept {
        const auto index = static_cast<std::size_t>(id & (in_flight_limit * 2 - 1));
        if (id == 0 || index >= chunks_.size() * calls_per_chunk) return nullptr;
        call& found = chunks_[index / calls_per_chunk][index % calls_per_chunk];
        return found.id == id ? &found : nullptr;
    }

    /// Takes the call out: whoever does this, and nobody else, answers it.
    void settle(call& settled) noexcept {
        support::timer_wheel::remove(settled);
        settled.id = 0;
        settled.on = nullptr;
        --in_flight_;
    }

    /// Its slot may be used again. @pre it is settled, and its callback gone.
    void release(call& settled) noexcept {
        settled.sync = nullptr;
        free_.push_back(&settled);
    }

    /// Every call without an answer; `visit` may settle it.
    template <class Visit>
    void for_each(Visit&& visit) {
        for (auto& chunk : chunks_) {
            for (std::size_t i = 0; i < calls_per_chunk; ++i) {
                if (chunk[i].id != 0) visit(chunk[i]);
            }
        }
    }

private:
    void add_chunk() {
        const std::size_t first = chunks_.size() * calls_per_chunk;
        auto chunk = std::make_unique<call[]>(calls_per_chunk);
        free_.reserve(first + calls_per_chunk);  // so that `release` never allocates
        for (std::size_t i = calls_per_chunk; i-- != 0;) {
            chunk[i].next_id = (std::uint64_t{1} << index_bits) | (first + i);
            free_.push_back(&chunk[i]);
        }
        chunks_.push_back(std::move(chunk));
    }

    std::size_t in_flight_max_;
    std::size_t in_flight_ = 0;
    std::vector<call*> free_;
    std::vector<std::unique_ptr<call[]>> chunks_;
};

}  // namespace dunlin::link
