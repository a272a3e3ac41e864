// SPDX-License-Identifier: Apache-2.0
//
// Makes the calls of `chaos_keyed`, until it is time or somebody stops it.
//
// One thread starts calls, the client's own ends them. Before a call is started its time is taken,
// after it has ended once more: what is in between can have happened at any time of it.
#pragma once

#include "cluster/random.hpp"
#include "keyed_book.hpp"
#include "keyed_call.hpp"
#include "keyed_options.hpp"

#include <dunlin/client.hpp>

#include <string>

namespace dunlin::chaos {

class keyed_run {
public:
    /// `stop_fd` becomes readable when the run is to end.
    keyed_run(const keyed_options& options, client& calls, keyed_book& book, int stop_fd);

    /// Prints progress every 100 ms. @returns whether all that had to be done was.
    bool run();

private:
    void mix();
    void fill();
    [[nodiscard]] bool look();
    void put();
    void start_drawn();
    void start(const std::string& function, const std::string& key, history::action what,
               std::uint64_t bytes = 0);
    [[nodiscard]] bool is_counter(std::size_t key) const noexcept {
        return options_.counters_only || key % 2 == 0;
    }
    [[nodiscard]] std::string name_of(std::size_t key) const {
        return options_.key_prefix + (is_counter(key) ? "c" : "l") + std::to_string(key);
    }
    /// Waits, printing progress when it is due. @returns false once the run is to end.
    bool wait_until(keyed_clock::time_point when);
    bool wait_for_room();
    void tell_progress(keyed_clock::time_point now);
    [[nodiscard]] bool drawn(unsigned of_hundred) { return random_.next() % 100 < of_hundred; }

    const keyed_options& options_;
    client& client_;
    keyed_book& book_;
    const int stop_fd_;
    cluster::random_source random_;
    std::uint64_t next_id_;
    keyed_clock::time_point tell_at_;
};

}  // namespace dunlin::chaos
