// SPDX-License-Identifier: Apache-2.0
//
// Sends views to the functions that fold them: those of one key in order, of many keys at once.
//
// A key has one call under way at most. Views that come meanwhile wait and go together in the next
// one, so the order of the log is kept whatever has to be tried again, and keys that many
// views are of take few calls. Memory is bounded by the views that may wait, and by the keys of the
// log, whose totals are kept for the end. Callbacks of the client only pass answers on; all else
// happens in `add` and `finish`, on the caller's thread. After an error nothing more should be
// added. Owner: the program; one thread.
#pragma once

#include "folding.hpp"

#include <dunlin/client.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sessions {

enum class kind : std::uint8_t { visitor, page };

class key_feed {
public:
    struct options {
        std::string log;  // its name: what is folded of it once is not folded again
        std::int64_t gap_seconds = 1800;
        std::size_t calls_max = 64;  // in flight
        std::size_t waiting_max = 65536;
        /// A call is tried so long, through restarts of its node.
        std::chrono::milliseconds patience{30'000};
    };
    struct counters {
        std::uint64_t calls = 0;
        std::uint64_t again = 0;  // calls that were tried again
        std::uint64_t added = 0;  // views that had not been folded before, of pages
    };

    /// Once `interrupted` is true, waits end with `cancelled` within a tenth of a second.
    key_feed(dunlin::client& client, options how, const std::atomic<bool>& interrupted);
    /// Withdraws what is in flight.
    ~key_feed();
    key_feed(const key_feed&) = delete;
    key_feed& operator=(const key_feed&) = delete;

    /// Waits for room. The error is that of an earlier call.
    [[nodiscard]] dunlin::result<void> add(kind what, std::string_view key, const view& seen);
    /// Waits for all answers.
    [[nodiscard]] dunlin::result<void> finish();

    [[nodiscard]] const counters& counted() const noexcept { return counters_; }
    /// `look(key, totals)` for each key of that kind.
    template <class Look>
    void for_each(kind what, Look look) const {
        for (const auto& [key, queue] : queues_of(what)) look(key, queue.known);
    }

private:
    using clock = std::chrono::steady_clock;
    struct key_queue {
        kind what = kind::visitor;
        std::string_view key;  // that of the table
        std::vector<view> waiting;
        std::size_t sent = 0;  // of those, in the call under way
        bool idle = true;      // nothing waits, and nothing is under way
        unsigned attempts = 0;
        clock::time_point since;  // of the first attempt
        clock::time_point due;    // of the next one
        dunlin::call_ticket ticket;
        totals known;
    };
    struct answer {
        key_queue* of;
        dunlin::result<totals> folded;
    };
    using queues = std::unordered_map<std::string, key_queue>;

    [[nodiscard]] const queues& queues_of(kind what) const noexcept {
        return queues_[static_cast<std::size_t>(what)];
    }
    void send(key_queue& from);
    void send_ready();
    [[nodiscard]] dunlin::result<void> take_answers(clock::time_point until);
    [[nodiscard]] dunlin::result<void> wait();
    [[nodiscard]] dunlin::result<void> accept(answer& from);
    [[nodiscard]] dunlin::result<void> try_again_later(key_queue& asked, dunlin::error why);

    dunlin::client& client_;
    const options options_;
    const std::atomic<bool>& interrupted_;
    counters counters_;
    std::array<queues, 2> queues_;
    std::deque<key_queue*> ready_;
    std::vector<key_queue*> repeats_;
    std::size_t waiting_ = 0;    // views, those under way included
    std::size_t under_way_ = 0;  // calls whose answers have not been accepted

    std::mutex mutex_;
    std::condition_variable answered_;
    std::vector<answer> answers_;
    std::size_t in_flight_ = 0;  // calls whose callback has not run
};

}  // namespace sessions
