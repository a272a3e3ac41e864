// SPDX-License-Identifier: Apache-2.0
//
// Makes the calls of one load, until it is time or somebody stops it.
//
// An open loop starts each call when it is due, however many are under way: callers of the real
// world do not wait for each other. A closed loop keeps a window of calls in flight. One thread
// starts calls, the client's own ends them.
#pragma once

#include "call_book.hpp"
#include "cluster/random.hpp"
#include "load_options.hpp"

#include <dunlin/client.hpp>

namespace dunlin::chaos {

class load_run {
public:
    /// `stop_fd` becomes readable when the run is to end.
    load_run(const load_options& options, client& calls, call_book& book, int stop_fd);

    /// Prints progress every 100 ms. @returns when no call is under way any more, or none should
    /// be: five seconds after the last deadline.
    void run();

    [[nodiscard]] load_clock::time_point began() const noexcept { return began_; }

private:
    void open_loop();
    void closed_loop();
    void start_call(load_clock::time_point due);
    /// Waits, printing progress when it is due. @returns false once the run is to end.
    bool wait_until(load_clock::time_point when);
    [[nodiscard]] bool all_started() const noexcept;
    void tell_progress(load_clock::time_point now);
    [[nodiscard]] double drawn();

    const load_options& options_;
    client& client_;
    call_book& book_;
    const int stop_fd_;
    cluster::random_source random_;
    std::uint64_t next_id_;
    load_clock::time_point began_;
    load_clock::time_point ends_;
    load_clock::time_point tell_at_;
};

}  // namespace dunlin::chaos
