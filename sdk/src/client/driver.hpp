// SPDX-License-Identifier: Apache-2.0
//
// The client's engine: calls in, answers out, over however many connections.
//
// ZeroMQ's sockets belong to one thread at a time, and handing work to a thread of its own would
// put two wake-ups on the way of every call. So the threads take turns (leader and followers;
// Schmidt et al., "Pattern-Oriented Software Architecture 2", 2000): a thread that waits in
// `call_and_wait` drives the sockets itself when no other does, for everybody, until its own
// answer is there; then it promotes another waiting thread, or leaves asynchronous calls to the
// background thread. That one also keeps connections alive while nobody calls.
//
// Guarantee: every call is settled exactly once, under the mutex, by an answer, its deadline, a
// lost connection, `cancel` or the destructor; whoever settles it sees to its delivery.
// Callbacks run on the driving thread, outside the mutex. A call may be sent several times, to
// several nodes: the first answer that is one counts, and what is under way elsewhere is withdrawn.
//
// Threads: "shared" members are guarded by `mutex_`; "leader" members belong to the thread that
// drives. What changes a connection that others can see needs both.
#pragma once

#include "client/attempts.hpp"
#include "client/call_book.hpp"
#include "client/connection_set.hpp"
#include "client/fleet.hpp"
#include "support/busy_poll.hpp"
#include "support/timer_wheel.hpp"
#include "support/wake_event.hpp"
#include "wire/envelope.hpp"

#include <dunlin/client.hpp>

#include <poll.h>
#include <zmq.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace dunlin::link {

/// What is called, before it has become bytes.
struct request {
    std::string_view function;
    void (*encode)(dunlin_buffer& to, const void* value);
    const void* in;
    const call_options& options;
};

class driver {
public:
    /// @pre the options have been checked.
    driver(client_options options, std::shared_ptr<const security::client_keys> keys,
           support::address_resolver::lookup look_up = support::resolve);
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;
    ~driver();

    [[nodiscard]] result<void> wait_connected();
    [[nodiscard]] result<bytes> call_and_wait(const request& what);
    call_ticket call_async(const request& what, detail::callback done);
    void cancel(call_ticket ticket);
    [[nodiscard]] client_stats stats();
    [[nodiscard]] std::string node();

private:
    using clock = std::chrono::steady_clock;
    using time_point = clock::time_point;
    using lock = std::unique_lock<std::mutex>;

    /// A call that was settled by an envelope in a frame that is being handled.
    struct answer {
        call* to;
        bytes_view data;  // payload, or detail when `code` is not 0
        std::int64_t code;
        std::uint64_t retry_after_us;
        bool did_not_run;
        bool may_have_run;  // an attempt before the one that was answered
    };

    // -- starting calls: driver_calls.cpp, any thread, mutex held ------------------------------
    call* open_call(const request& what, time_point now, error& why);
    bool start_call(call& opened, const request& what, time_point now, error& why);
    bool encode_call(channel& on, call& opened, const request& what, time_point now, error& why);
    bool hold_call(call& opened, const request& what, error& why);
    void notify(lock& held);
    result<bytes> follow(waiter& own, std::uint64_t id, time_point deadline);

    // -- leading: driver_lead.cpp --------------------------------------------------------------
    void take_lead() noexcept;                         // mutex held
    void release_lead();                               // mutex held
    [[nodiscard]] bool work_pending() const noexcept;  // mutex held
    void wake_background() noexcept;                   // mutex held
    void run_background();
    bool watch(bool quiet);
    void lead(waiter* own);
    [[nodiscard]] bool nothing_to_lead();
    bool receive_round(waiter* own);
    void flush();
    void send_cut(connection& on);
    void deliver(call& settled, result<bytes>&& with) noexcept;
    void sleep();
    void shut_down();

    // -- connections and what they receive: driver_frames.cpp, leader --------------------------
    void handle(connection& from, const std::shared_ptr<received_frame>& frame);
    [[nodiscard]] result<bytes> to_result(const answer& a,
                                          const std::shared_ptr<received_frame>& frame) const;
    bool upkeep(time_point now);
    void open_connections(time_point now);
    void close_connections(time_point now);
    void rebuild_poll_set();
    [[nodiscard]] error expiry(const call& late) const;  // mutex held

    const client_options options_;
    const std::uint64_t origin_;  // names this client in its calls
    support::wake_event leader_event_;
    support::wake_event background_event_;

    // -- shared --------------------------------------------------------------------------------
    std::mutex mutex_;
    call_book book_;
    waiter_list followers_;
    bool led_ = false;
    std::thread::id leader_thread_;
    bool leader_asleep_ = false;
    bool background_asleep_ = false;
    bool background_watches_ = false;  // it sleeps until a socket has news
    std::uint64_t turns_ = 0;          // how often a waiting thread took the lead
    bool stopping_ = false;
    fleet fleet_;
    attempts attempts_;
    client_stats stats_;

    // -- leader --------------------------------------------------------------------------------
    std::vector<answer> batch_;
    std::vector<call_book::outcome> delivering_;
    wire::frame_buffer sending_;
    std::vector<pollfd> poll_set_;
    support::busy_poll busy_poll_;
    connection_set connections_;

    std::thread background_;
};

}  // namespace dunlin::link
