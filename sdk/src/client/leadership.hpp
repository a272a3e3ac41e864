// SPDX-License-Identifier: Apache-2.0
//
// Which thread drives the sockets of a client, and who wakes whom for it.
//
// ZeroMQ's sockets belong to one thread at a time, and handing work to a thread of its own would
// put two wake-ups on the way of every call. So the threads take turns (single-flight leader and
// followers; Schmidt et al., "Pattern-Oriented Software Architecture 2", 2000): a thread that waits
// for an answer drives when no other does, for everybody, until its own answer is there; then it
// promotes the follower that has waited longest, or leaves what is to be done to the background
// thread. That one also keeps connections alive while nobody calls.
//
// Guarantee: one thread drives at a time, and while there is work one does, or has been woken to.
// No wake-up is lost: sleepers say under the mutex that they sleep before they look a last time,
// and descriptors of sockets, which are edge-triggered, are polled only after a look at the sockets
// that found nothing.
//
// This is who drives and who sleeps; the loops are in `leader_loop.hpp`. Guarded by the driver's
// mutex, which is handed in, but for what the leader has for itself.
#pragma once

#include "client/waiter.hpp"
#include "support/busy_poll.hpp"
#include "support/wake_event.hpp"

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace dunlin::link {

class leadership {
public:
    using clock = std::chrono::steady_clock;
    using time_point = clock::time_point;
    using lock = std::unique_lock<std::mutex>;

    leadership(const leadership&) = delete;
    leadership& operator=(const leadership&) = delete;

    // -- mutex held ----------------------------------------------------------------------------
    [[nodiscard]] bool led() const noexcept { return led_; }
    /// This thread drives: it is in a callback.
    [[nodiscard]] bool here() const noexcept {
        return leader_thread_ == std::this_thread::get_id();
    }
    /// @pre `led`: the thread waits to be promoted.
    void follow(waiter& own) noexcept { followers_.push_back(own); }
    /// The leader does not sleep: it is about to look at what is to be done.
    void awake() noexcept { leader_asleep_ = false; }
    /// Tells the thread that has to act on what was just put under the mutex, and gives that up.
    void notify(lock& held);
    /// The background thread ends, and nobody drives for long.
    void stop() noexcept;
    [[nodiscard]] bool stopping() const noexcept { return stopping_; }

    // -- any thread ----------------------------------------------------------------------------
    /// Wakes the leader.
    [[nodiscard]] support::wake_event& leader_event() noexcept { return leader_event_; }
    /// For the leader, which says what it has done.
    [[nodiscard]] support::busy_poll& busy_poll() noexcept { return busy_poll_; }

protected:
    leadership(std::mutex& guard, std::chrono::nanoseconds busy_poll)
        : mutex_(guard),
          busy_poll_(busy_poll) {}
    ~leadership() = default;

    /// After this long without calls the background thread watches the sockets.
    static constexpr std::chrono::milliseconds quiet_after{50};

    void take() noexcept;
    /// Waits until nobody leads. Without the mutex.
    void take_at_last();
    /// @returns whether one took over: `led` holds on its behalf, so that nobody comes between.
    [[nodiscard]] bool promote_follower();
    void wake_background() noexcept;
    /// @returns whether one of `set` but the first, the background's own event, has news.
    [[nodiscard]] bool poll_in_background(std::vector<pollfd>& set, time_point until);

    std::mutex& mutex_;
    support::wake_event leader_event_;
    support::wake_event background_event_;
    waiter_list followers_;
    bool led_ = false;
    std::thread::id leader_thread_;
    bool leader_asleep_ = false;
    bool background_asleep_ = false;
    bool background_watches_ = false;  // it sleeps until a socket has news
    std::uint64_t turns_ = 0;          // how often a waiting thread took the lead
    bool stopping_ = false;
    std::vector<pollfd> poll_set_;  // of the leader: its event, and the work's descriptors
    support::busy_poll busy_poll_;
    std::thread background_;
};

}  // namespace dunlin::link
