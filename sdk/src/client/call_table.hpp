// SPDX-License-Identifier: Apache-2.0
//
// The calls that have no answer yet.
//
// A call's id names its slot and how often that slot has been used, so an answer finds its call
// without a search, and an answer that comes late, twice or out of nowhere finds none. A call may
// be sent several times: each attempt goes by an id of its own, which leads to the same call. Slots
// are made in chunks as they are needed, keep their addresses and are used again, the latest first;
// a call allocates nothing else. Each call is settled exactly once.
//
// The driver owns the table and guards it with its mutex; a call that is settled but not yet
// released belongs to the thread that answers it.
#pragma once

#include "client/kept_call.hpp"
#include "support/timer_wheel.hpp"

#include <dunlin/call_options.hpp>
#include <dunlin/detail/callback.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::link {

class channel;
class waiter;

/// One call, from its start until its answer has been handed over. Its timer is the deadline.
struct call : support::timer_node {
    std::uint64_t id = 0;    // 0: settled, nothing finds it any more
    channel* on = nullptr;   // null: held until there is a connection
    waiter* sync = nullptr;  // who waits for it; otherwise `done` is called
    detail::callback done;
    std::string function;
    std::chrono::microseconds timeout{0};
    std::uint64_t next_id = 0;
    std::uint64_t cold = 0;           // the attempt that paid for a cold start; 0: none
    call_info* info = nullptr;        // the caller's; may be null
    std::uint8_t attempt = 0;         // the one that `on` has
    bool idempotent = false;          // as the node says that it was sent to
    std::unique_ptr<kept_call> kept;  // once the slot needed it; see `kept_call::usable`

    [[nodiscard]] bool keeps() const noexcept { return kept != nullptr && kept->usable; }
};

class call_table {
public:
    static constexpr std::size_t calls_per_chunk = 256;
    static constexpr unsigned index_bits = 24;
    static constexpr unsigned attempt_bits = 4;  // above those of the index
    static constexpr unsigned attempts_max = 1u << attempt_bits;
    static constexpr std::size_t in_flight_limit = (std::size_t{1} << index_bits) / 2;

    explicit call_table(std::size_t in_flight_max)
        : in_flight_max_(std::min(in_flight_max, in_flight_limit)) {}

    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
    [[nodiscard]] std::size_t in_flight_max() const noexcept { return in_flight_max_; }
    [[nodiscard]] bool full() const noexcept { return in_flight_ >= in_flight_max_; }

    /// What the slot of the next call was used for last; empty: for nothing yet.
    [[nodiscard]] std::string_view next_function() const noexcept {
        return free_.empty() ? std::string_view() : std::string_view(free_.back()->function);
    }
    /// A call with a fresh id. @pre not `full()`.
    [[nodiscard]] call& open() {
        if (free_.empty()) add_chunk();
        call& opened = *free_.back();
        free_.pop_back();
        opened.id = opened.next_id;
        opened.next_id += first_use;
        opened.attempt = 0;
        opened.cold = 0;
        opened.info = nullptr;
        ++in_flight_;
        return opened;
    }

    /// The id by which an attempt of the call travels; that of the first is the call's own.
    [[nodiscard]] static std::uint64_t id_of(const call& of, std::uint8_t attempt) noexcept {
        return of.id | (std::uint64_t{attempt} << index_bits);
    }
    [[nodiscard]] static std::uint8_t attempt_of(std::uint64_t id) noexcept {
        return static_cast<std::uint8_t>((id >> index_bits) & (attempts_max - 1));
    }

    /// The unanswered call of which an attempt has that id, or null.
    [[nodiscard]] call* find(std::uint64_t id) noexcept {
        const auto index = static_cast<std::size_t>(id & (in_flight_limit * 2 - 1));
        if (id == 0 || index >= chunks_.size() * calls_per_chunk) return nullptr;
        call& found = chunks_[index / calls_per_chunk][index % calls_per_chunk];
        const auto attempt = std::uint64_t{attempts_max - 1} << index_bits;
        return found.id == (id & ~attempt) ? &found : nullptr;
    }

    /// Takes the call out: who does this, and nobody else, answers it.
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
    static constexpr std::uint64_t first_use = std::uint64_t{1} << (index_bits + attempt_bits);

    void add_chunk() {
        const std::size_t first = chunks_.size() * calls_per_chunk;
        auto chunk = std::make_unique<call[]>(calls_per_chunk);
        free_.reserve(first + calls_per_chunk);  // so that `release` never allocates
        for (std::size_t i = calls_per_chunk; i-- != 0;) {
            chunk[i].next_id = first_use | (first + i);
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
