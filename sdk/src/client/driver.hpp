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

#include "client/call_book.hpp"
#include "client/connection.hpp"
#include "client/held_calls.hpp"
#include "client/member_views.hpp"
#include "client/name_lookup.hpp"
#include "client/node_plan.hpp"
#include "client/peer_node.hpp"
#include "client/routes.hpp"
#include "cluster/key_owners.hpp"
#include "cluster/retry_budget.hpp"
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

    /// Where a call goes.
    struct target {
        channel* on = nullptr;  // null: no connection may have one more call
        std::uint32_t function = routes::none;
    };

    // -- starting calls: driver_calls.cpp, any thread, mutex held ------------------------------
    call* open_call(const request& what, time_point now, error& why);
    bool start_call(call& opened, const request& what, time_point now, error& why);
    bool encode_call(channel& on, call& opened, const request& what, time_point now, error& why);
    bool hold_call(call& opened, const request& what, error& why);
    void appended_to(channel& on);
    void withdraw(call& open);
    void cancel_on(channel& on, std::uint64_t id);
    void notify(lock& held);
    result<bytes> follow(waiter& own, std::uint64_t id, time_point deadline);

    // -- where calls go: driver_routes.cpp, mutex held -----------------------------------------
    enum class purpose : std::uint8_t { send, look };
    target pick(std::string_view function, std::string_view key, const kept_call* before,
                time_point now, purpose why = purpose::send);
    target pick_again(const call& open, bool tried_too, time_point now);
    target look_again(const call& open, time_point now);
    [[nodiscard]] peer_node* owner_of(std::string_view function, std::string_view key);
    void map_owners();
    void take_members(channel& from, const wire::item_list& items, time_point now);
    void take_catalog(channel& from, wire::item_list items);
    void take_loads(channel& from, wire::item_list items, time_point now);
    void join_node(channel& welcomed, time_point now);
    void count_nodes() noexcept;
    void leave_node(channel& gone) noexcept;
    void refresh_members(time_point now);
    void retire(channel& leaving, time_point now);
    void mark_draining();
    void doubt_unvouched();
    void mark_late(peer_node& node) noexcept;

    // -- sending again: driver_retry.cpp, mutex held -------------------------------------------
    bool keep(call& open, bytes_view payload, std::string_view key, std::string_view trace);
    void hold(call& open);
    void put(call& open, channel& on, time_point now);
    void append_invoke(const call& open, channel& on, std::uint8_t attempt, time_point now);
    void send_held(time_point now);
    [[nodiscard]] bool can_send_again(const call& open, time_point now) const noexcept;
    [[nodiscard]] bool may_send_again(call& open, time_point now);
    void send_again(call& open, bool tried_too, time_point now);
    [[nodiscard]] bool sent_on(const call& open, std::uint64_t id,
                               const channel& from) const noexcept;
    [[nodiscard]] bool goes_on(call& open, channel& from, const wire::failure& failure,
                               time_point now);
    void answered(call& open, channel& from, time_point now);
    void drop_attempt(call& open, channel& on) noexcept;
    void end_others(call& open, const channel& answering, time_point now);
    void attempt_lost(call& open, channel& lost, time_point now);
    void move_unsent(channel& from, bool keep_rest, time_point now);
    void want_copy(call& open, std::uint32_t function, time_point now);
    void send_copy(call& open, time_point now);

    // -- leading: driver_lead.cpp --------------------------------------------------------------
    void take_lead() noexcept;                         // mutex held
    void release_lead();                               // mutex held
    [[nodiscard]] bool work_pending() const noexcept;  // mutex held
    [[nodiscard]] bool unsent() const noexcept;        // mutex held
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
    void handle_welcome(connection& from, const wire::welcome& envelope);  // mutex held
    void handle_goaway(connection& from, std::int64_t code, std::string_view detail);
    [[nodiscard]] result<bytes> to_result(const answer& a,
                                          const std::shared_ptr<received_frame>& frame) const;
    bool upkeep(time_point now);
    void open_connections(time_point now);
    void connect(const name_lookup::outcome& to, time_point now);
    void close_connections(time_point now);
    void refuse(connection& from, error why);                                       // mutex held
    [[nodiscard]] bool needs_closing(const connection& one, time_point now) const;  // mutex held
    [[nodiscard]] bool listens_to(const connection& one) const noexcept;            // mutex held
    bool feel_pulses(time_point now);                                               // mutex held
    void detach(connection& lost, time_point now);                                  // mutex held
    void rebuild_poll_set();
    [[nodiscard]] time_point next_upkeep();              // mutex held
    [[nodiscard]] error expiry(const call& late) const;  // mutex held

    const client_options options_;
    const std::uint64_t origin_;  // names this client in its calls
    connection::settings connecting_;
    zmq::context_t context_{1};
    support::wake_event leader_event_;
    support::wake_event background_event_;

    // -- shared --------------------------------------------------------------------------------
    std::mutex mutex_;
    call_book book_;
    support::timer_wheel copies_;  // when copies of calls are due
    held_calls held_;
    cluster::retry_budget retries_;
    waiter_list followers_;
    bool led_ = false;
    std::thread::id leader_thread_;
    bool leader_asleep_ = false;
    bool background_asleep_ = false;
    bool background_watches_ = false;  // it sleeps until a socket has news
    std::uint64_t turns_ = 0;          // how often a waiting thread took the lead
    bool stopping_ = false;
    node_plan plan_;
    member_views views_;
    routes routes_;
    std::vector<std::unique_ptr<connection>> connections_;
    std::vector<std::unique_ptr<peer_node>> nodes_;  // with live connections
    std::vector<channel*> live_;                     // that take calls
    bool many_ = false;           // there is, or may be soon, more than one node to choose from
    bool all_ = false;            // calls are chosen among several nodes, which are all members
    bool members_stale_ = false;  // what the plan knows of the members
    bool owners_stale_ = true;
    cluster::key_owners owners_;        // filled when a call has a key
    std::vector<std::uint32_t> tried_;  // for `pick`
    std::string node_;
    std::string last_problem_;
    error refusal_;
    bool refused_ = false;
    std::condition_variable reached_;
    client_stats stats_;

    // -- leader --------------------------------------------------------------------------------
    std::vector<answer> batch_;
    std::vector<call_book::outcome> delivering_;
    wire::frame_buffer sending_;
    std::vector<pollfd> poll_set_;
    support::busy_poll busy_poll_;
    name_lookup names_;

    std::thread background_;
};

}  // namespace dunlin::link
