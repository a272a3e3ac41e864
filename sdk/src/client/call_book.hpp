// SPDX-License-Identifier: Apache-2.0
//
// The calls of one client, from their start until their slots may be used again.
//
// A call ends in one of several ways that race with each other: an answer, its deadline, a lost
// connection, its caller, the end of the client. Guarantee: it is settled once, and what it held
// goes with that: its place on connections, its timers, its thread's place among the followers and
// the bytes that were kept to send it again. A call that ends without an answer from a node waits
// in `due` until the thread that drives delivers it; its slot goes back with the next `recycle`.
//
// No clock, no socket, no thread inside. Guarded by the driver's mutex, but for `delivered`, which
// belongs to the thread that drives.
#pragma once

#include "client/call_table.hpp"
#include "client/channel.hpp"
#include "client/kept_call.hpp"
#include "client/waiter.hpp"
#include "support/timer_wheel.hpp"

#include <dunlin/result.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::link {

class call_book {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// A call that was settled without an answer from a node.
    struct outcome {
        call* to;
        error why;
    };

    /// Payloads that are kept so that their calls can be sent again; calls beyond it are sent, but
    /// once only. A window of 65536 calls of 1 KiB fits.
    static constexpr std::size_t kept_bytes_max = 64u << 20;

    call_book(std::size_t in_flight_max, std::uint32_t retries_max, time_point now)
        : retries_max_(retries_max),
          calls_(in_flight_max),
          deadlines_(now) {}

    // -- from start to end ---------------------------------------------------------------------
    [[nodiscard]] std::size_t in_flight() const noexcept { return calls_.in_flight(); }
    [[nodiscard]] std::size_t in_flight_max() const noexcept { return calls_.in_flight_max(); }
    [[nodiscard]] bool full() const noexcept { return calls_.full(); }

    /// Programs call few functions, so the slot of the next call often has the name that it needs.
    enum class name : std::uint8_t { other, there };
    /// Whether it has this one, which then was good when it was put there.
    [[nodiscard]] name next_name(std::string_view function) const noexcept {
        const auto last = calls_.next_function();
        // As bytes: the library's comparison, which also orders, takes twice as long.
        const bool same = !last.empty() && last.size() == function.size() &&
                          std::memcmp(last.data(), function.data(), last.size()) == 0;
        return same ? name::there : name::other;
    }
    /// @param has as `next_name` says
    /// @pre not `full`. Its deadline counts from `start` on.
    [[nodiscard]] call& open(std::string_view function, std::chrono::microseconds timeout,
                             name has = name::other) {
        call& opened = calls_.open();
        if (has == name::other) opened.function.assign(function);
        opened.timeout = timeout;
        return opened;
    }
    void start(call& opened, time_point now) noexcept {
        deadlines_.insert(opened, now + opened.timeout);
    }
    /// It ends on the thread that asks, which tells its caller why.
    void drop(call& open) noexcept {
        fail(open);
        calls_.release(open);
    }
    /// The unanswered call of which an attempt has that id, or null.
    [[nodiscard]] call* find(std::uint64_t id) noexcept { return calls_.find(id); }
    /// The same, if that channel has the attempt: what others say of it counts for nothing.
    [[nodiscard]] call* find(std::uint64_t id, const channel& from) noexcept {
        call* open = calls_.find(id);
        if (open == nullptr) return nullptr;
        const auto attempt = call_table::attempt_of(id);
        if (open->on == &from && open->attempt == attempt) return open;
        const bool copy =
            open->keeps() && open->kept->second == &from && open->kept->second_attempt == attempt;
        return copy ? open : nullptr;
    }
    /// Every call without an answer; `visit` may settle it.
    template <class Visit>
    void for_each(Visit&& visit) {
        calls_.for_each(visit);
    }

    /// Its answer has come: the asking thread delivers it.
    void settle(call& open) noexcept {
        if (open.on != nullptr) --open.on->in_flight;
        if (open.keeps()) {
            if (open.kept->second != nullptr) --open.kept->second->in_flight;
            kept_bytes_ -= open.kept->payload.size;
            open.kept->end();
        }
        if (open.sync != nullptr) waiter_list::remove(*open.sync);
        calls_.settle(open);
    }
    /// The same, and what came is no value.
    void fail(call& open) noexcept {
        settle(open);
        ++failures_;
    }
    /// The same, without an answer of a node: the leader delivers `why`.
    void fail_with(call& open, error why) {
        fail(open);
        due_.push_back({&open, std::move(why)});
    }
    /// A call was refused before it had a slot.
    void refused() noexcept { ++failures_; }
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

    /// Ends the calls whose deadline has passed with what `why(call)` says.
    template <class Why>
    void expire(time_point now, Why&& why) {
        deadlines_.advance(now, [&](support::timer_node& node) {
            auto& late = static_cast<call&>(node);
            fail_with(late, why(late));
        });
    }
    [[nodiscard]] time_point next_deadline() noexcept { return deadlines_.next_deadline(); }
    /// Ends all calls: the client is being destroyed.
    void cancel_all() {
        for_each([&](call& open) {
            fail_with(open, {errc::cancelled,
                             open.function +
                                 " was cancelled: the client was destroyed; it may have run"});
        });
    }

    // -- handing over --------------------------------------------------------------------------
    [[nodiscard]] bool any_due() const noexcept { return !due_.empty(); }
    /// @pre `to` is empty.
    void take_due(std::vector<outcome>& to) noexcept { to.swap(due_); }
    /// Its caller has the answer. Without the mutex.
    void delivered(call& settled) { spent_.push_back(&settled); }
    /// What was delivered may be used again: one lock for many slots.
    void recycle() noexcept {
        for (call* one : spent_) calls_.release(*one);
        spent_.clear();
    }

    // -- what it takes to send a call again ----------------------------------------------------
    [[nodiscard]] bool may_keep(std::size_t payload_bytes) const noexcept {
        return retries_max_ != 0 && kept_bytes_ + payload_bytes <= kept_bytes_max;
    }
    /// `write(payload)` appends the payload.
    template <class Write>
    void keep(call& open, std::string_view key, std::string_view trace, Write&& write) {
        if (!open.kept) open.kept = std::make_unique<kept_call>();
        open.kept->begin(key, trace, retries_max_);
        write(open.kept->payload);
        kept_bytes_ += open.kept->payload.size;
    }
    [[nodiscard]] std::size_t kept_bytes() const noexcept { return kept_bytes_; }

    // -- the window ----------------------------------------------------------------------------
    /// How many calls are in flight, also while a frame of answers is being handled: callbacks
    /// refill the window then, and frames are cut by what is usually under way.
    [[nodiscard]] std::size_t window() const noexcept {
        return std::max(calls_.in_flight(), in_flight_before_);
    }
    void frame_begins() noexcept { in_flight_before_ = calls_.in_flight(); }
    void frames_end() noexcept { in_flight_before_ = 0; }

private:
    const std::uint32_t retries_max_;
    call_table calls_;
    support::timer_wheel deadlines_;
    std::size_t kept_bytes_ = 0;
    std::size_t in_flight_before_ = 0;  // when the frame that is being handled arrived
    std::uint64_t failures_ = 0;
    std::vector<outcome> due_;
    std::vector<call*> spent_;  // delivered; belongs to the thread that drives
};

}  // namespace dunlin::link
