// SPDX-License-Identifier: Apache-2.0
//
// The loops of the threads that drive a client: see `leadership.hpp` for who does when.
//
// What is driven is a `Work`, of which this knows no more than
//     void flush()                 sends and delivers; tells `awake` under the mutex
//     bool receive(waiter* own)    whether anything came; ends early when `own` has its answer
//     bool upkeep(time_point)      what time asks for; whether there may be more to do at once
//     bool pending()               work that is to be done or waited for; mutex held
//     time_point idle_until()      `time_point::min()` if there is something to do; mutex held
//     void add_descriptors(set)    pairs to poll; mutex held
//     void read_events(), read_events(found)    news of transports
//     void finish()                the last round; nobody else uses the work any more
// A template, so that no round of a call goes through a virtual call, and so that tests can have
// work of their own. Threads: as said at each function.
#pragma once

#include "client/leadership.hpp"
#include "support/signal_mask.hpp"

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace dunlin::link {

template <class Work>
class leader_loop : public leadership {
public:
    leader_loop(Work& work, std::mutex& guard, std::chrono::nanoseconds busy_poll)
        : leadership(guard, busy_poll),
          work_(work) {}

    /// Takes the lead and drives until `own` has its answer. @pre not `led`. Mutex held.
    void drive(waiter& own, lock& held) {
        take();
        ++turns_;
        held.unlock();
        lead(&own);
        held.lock();
        release();
    }

    /// Waits for the answer, and drives when promoted. @pre the thread follows, or is delivered to.
    /// @returns answered or timed_out
    [[nodiscard]] waiter::outcome wait(waiter& own, time_point until) {
        const auto came = own.wait_until(until);
        if (came != waiter::outcome::promoted) return came;
        lock held(mutex_);
        drive(own, held);
        return waiter::outcome::answered;
    }

    /// For who drives without threads, in virtual time: rounds until a leader would sleep.
    /// @returns until when
    [[nodiscard]] time_point step() {
        lock held(mutex_);
        take();
        held.unlock();
        work_.read_events();
        auto until = time_point::min();
        while (until == time_point::min()) {
            if (round(nullptr) == next::round) continue;
            held.lock();
            until = work_.idle_until();
            held.unlock();
        }
        held.lock();
        release();
        return until;
    }

    /// The sockets to poll have changed; a thread may be watching some that are gone. On the
    /// leader, with the mutex held.
    void watch_anew() {
        poll_set_.assign(1, {leader_event_.fd(), POLLIN, 0});
        work_.add_descriptors(poll_set_);
        wake_background();
    }

    /// Begins the background thread, if a client is to have one.
    void start() {
        const support::signals_blocked no_signals;
        background_ = std::thread([this] { run_background(); });
    }

    /// After `stop`: returns when nobody drives any more, and the work is finished.
    void end() {
        if (background_.joinable()) return background_.join();
        finish();
    }

private:
    enum class next : std::uint8_t { round, sleep, leave };

    [[nodiscard]] next round(waiter* own) {
        work_.flush();
        const bool received = work_.receive(own);
        if (own != nullptr && own->answered()) {
            work_.flush();  // what callbacks of this round have started
            return next::leave;
        }
        const bool changed = work_.upkeep(clock::now());
        return received || changed ? next::round : next::sleep;
    }

    // Drives until `own` has its answer, or while there is work for the background thread.
    void lead(waiter* own) {
        if (own == nullptr) work_.read_events();
        for (;;) {
            const auto then = round(own);
            if (then == next::leave || (then == next::sleep && !sleep(own))) return;
        }
    }

    // @returns false if the background thread has nothing to wake up for: it leaves the lead.
    bool sleep(const waiter* own) {
        time_point until;
        {
            const lock held(mutex_);
            if (own == nullptr && (stopping_ || !work_.pending())) return false;
            until = work_.idle_until();
            if (stopping_ || until == time_point::min()) return true;
            leader_asleep_ = true;
        }
        busy_poll_.wait(poll_set_, until);
        if (poll_set_[0].revents != 0) leader_event_.drain();
        work_.read_events(std::span<const pollfd>(poll_set_).subspan(1));
        return true;
    }

    void release() {
        if (promote_follower()) return;
        // A leader goes with its own answer and need not have received until nothing was there,
        // and only after that do edge-triggered descriptors signal again: a thread that sleeps on
        // the sockets has to look first.
        if (work_.pending() || background_watches_) wake_background();
    }

    // The background thread leads when there is something to do and nobody else does it. When
    // there is not it leaves the lead to the next caller, so that a thread that calls and waits
    // needs nobody; after a while without calls it watches the sockets for connections that end.
    void run_background() {
        bool quiet = false;
        bool look = false;
        std::uint64_t turns_seen = 0;
        lock held(mutex_);
        while (!stopping_) {
            if (!led_ && (look || work_.pending())) {
                look = false;
                take();
                held.unlock();
                lead(nullptr);
                held.lock();
                release();
                continue;
            }
            const bool watched = quiet && !led_;
            background_asleep_ = true;
            background_watches_ = watched;
            held.unlock();
            const bool news = watch(watched);
            held.lock();
            background_asleep_ = false;
            background_watches_ = false;
            const bool unused = !led_ && turns_ == std::exchange(turns_seen, turns_);
            // What arrived before the sockets are watched is not signalled, so look once first.
            look = unused && (news || !quiet);
            quiet = unused;
        }
        held.unlock();
        finish();
    }

    // Sleeps without the lead. @returns whether a socket has news.
    bool watch(bool sockets) {
        std::vector<pollfd> set{{background_event_.fd(), POLLIN, 0}};
        if (sockets) {
            const lock held(mutex_);
            if (!background_asleep_) return false;
            work_.add_descriptors(set);
        }
        return poll_in_background(set, sockets ? time_point::max() : clock::now() + quiet_after);
    }

    void finish() {
        take_at_last();
        work_.finish();
    }

    Work& work_;
};

}  // namespace dunlin::link
