// SPDX-License-Identifier: Apache-2.0
//
// The client's engine: calls in, answers out, over however many connections.
//
// It writes calls, reads frames and delivers answers, and puts its parts to work: `leadership`
// (which thread drives), `call_book` (open calls), `attempts` (sending again), `fleet` (where calls
// go) and `connection_set` (sockets).
//
// Guarantee: every call is settled exactly once, under the mutex, by an answer, its deadline, a
// lost connection, `cancel` or the destructor; the thread that settles it sees to its delivery.
// Callbacks run on the driving thread, outside the mutex.
//
// Threads: "shared" members are guarded by `mutex_`; "leader" members belong to the thread that
// drives. What changes a connection that others can see needs both.
#pragma once

#include "client/attempts.hpp"
#include "client/call_book.hpp"
#include "client/connection_set.hpp"
#include "client/fleet.hpp"
#include "client/leader_loop.hpp"
#include "wire/envelope.hpp"

#include <dunlin/client.hpp>

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
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
    using time_point = leadership::time_point;

    /// @pre the options have been checked.
    /// @param origin names this client in its calls, and decides its choices and pauses
    driver(client_options options, std::shared_ptr<const security::client_keys> keys,
           support::address_resolver::lookup look_up = support::resolve,
           std::uint64_t origin = random_origin());
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;
    ~driver();

    /// Begins the thread that drives while nobody waits for an answer.
    void start();

    /// What a turn came to, for who drives without threads: until when a leader would sleep.
    struct turn {
        time_point due;
        std::size_t kept_bytes;
        std::size_t under_way;  // attempts, as connections count them
    };
    turn step();

    [[nodiscard]] result<void> wait_connected();
    [[nodiscard]] result<bytes> call_and_wait(const request& what);
    call_ticket call_async(const request& what, detail::callback&& done);
    void cancel(call_ticket ticket);
    [[nodiscard]] client_stats stats();
    [[nodiscard]] std::string node();

private:
    friend class leader_loop<driver>;
    using clock = leadership::clock;
    using lock = leadership::lock;

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
    bool start_keyed(call& opened, const request& what, const std::string& key_field,
                     time_point now, error& why);
    bool start_encoded(call& opened, const request& what, time_point now, error& why);
    bool encode_call(channel& on, call& opened, const request& what, time_point now, error& why);
    bool hold_call(call& opened, const request& what, error& why);
    result<bytes> follow(waiter& own, std::uint64_t id, time_point deadline);

    // -- the work of the leader, as `leadership` knows it: driver.cpp --------------------------
    void flush();
    bool receive(waiter* own);
    bool upkeep(time_point now);
    [[nodiscard]] bool pending() const noexcept;  // mutex held
    [[nodiscard]] time_point idle_until();        // mutex held
    void add_descriptors(std::vector<pollfd>& to) const { connections_.add_descriptors(to); }
    void read_events() { connections_.read_events(); }
    void read_events(std::span<const pollfd> found) { connections_.read_events(found); }
    void finish();
    void close_connections(time_point now);
    [[nodiscard]] error expiry(const call& late) const;  // mutex held

    // -- frames: driver_frames.cpp, leader -----------------------------------------------------
    void handle(connection& from, const std::shared_ptr<received_frame>& frame);
    [[gnu::noinline]] void take_failure(connection& from, const wire::failure& failure,
                                        time_point at);
    [[gnu::noinline]] void note_cold_start(const call& paid);
    [[gnu::noinline]] void take_news(connection& from, const wire::frame_reader& reader,
                                     time_point& at);
    [[nodiscard]] result<bytes> to_result(const answer& a,
                                          const std::shared_ptr<received_frame>& frame) const;
    void send_cut(connection& on);
    void deliver(call& settled, result<bytes>&& with) noexcept;

    static std::uint64_t random_origin();

    const client_options options_;
    const std::uint64_t origin_;

    // -- shared --------------------------------------------------------------------------------
    std::mutex mutex_;
    leader_loop<driver> leadership_;
    call_book book_;
    fleet fleet_;
    attempts attempts_;
    connection_set connections_;
    client_stats stats_;
    wire::frame_buffer keyed_input_;  // of a call whose key is taken from it

    // -- leader --------------------------------------------------------------------------------
    std::vector<answer> batch_;
    std::vector<call_book::outcome> delivering_;
    wire::frame_buffer sending_;
};

}  // namespace dunlin::link
