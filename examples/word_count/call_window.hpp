// SPDX-License-Identifier: Apache-2.0
//
// Keeps a bounded number of calls to text/count_words in flight and adds up their answers.
//
// Memory is bounded by the window: each of its places holds one chunk until that chunk has been
// counted. Callbacks of the client only pass answers on; merging, and sending again what the node
// had no room for, happen in `start` and `finish`, on the caller's thread. After an error nothing
// more should be started. Owner: the program; one thread.
#pragma once

#include "messages.hpp"

#include <dunlin/client.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace word_count {

struct totals {
    word_counts words;
    std::uint64_t bytes = 0;
    std::uint64_t calls = 0;       // answered with counts
    std::uint64_t overloaded = 0;  // answers that made us try again
};

class call_window {
public:
    /// Once `interrupted` is true, waits end with `cancelled` within a tenth of a second.
    call_window(dunlin::client& client, std::size_t calls_max,
                const std::atomic<bool>& interrupted);
    /// Withdraws what is in flight.
    ~call_window();
    call_window(const call_window&) = delete;
    call_window& operator=(const call_window&) = delete;

    /// Waits for a free place and starts a call. The error is that of an earlier call.
    dunlin::result<void> start(std::string name, std::string text);
    /// Waits for all answers.
    dunlin::result<void> finish();
    [[nodiscard]] const totals& done() const noexcept { return done_; }

private:
    using clock = std::chrono::steady_clock;
    struct place {
        std::string name;
        std::string text;
        dunlin::call_ticket ticket;
        unsigned attempts = 0;
        clock::time_point started;
        clock::time_point due;  // of the next attempt
    };
    struct answer {
        place* to;
        dunlin::result<text_counts> counts;
    };

    void send(place& from);
    dunlin::result<void> wait_for_answers();
    dunlin::result<void> accept(answer& from);
    dunlin::result<void> try_again_later(place& asked, dunlin::error why);

    dunlin::client& client_;
    const std::atomic<bool>& interrupted_;
    totals done_;
    std::vector<place> places_;
    std::vector<place*> free_;
    std::vector<place*> repeats_;

    std::mutex mutex_;
    std::condition_variable answered_;
    std::vector<answer> answers_;
    std::size_t in_flight_ = 0;  // calls whose callback has not run
};

}  // namespace word_count
