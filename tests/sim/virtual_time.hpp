// SPDX-License-Identifier: Apache-2.0
//
// Time that passes when there is nothing left to do in it.
//
// Whoever takes part schedules events; they are handled one after another in order of time, and
// those of one time in the order in which they were scheduled. So a run is the same every time.
// Events cannot be taken back: a handler that has changed its mind looks and does nothing.
// One owner, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <queue>
#include <vector>

namespace dunlin::sim {

class virtual_time {
public:
    /// Something that events happen to: a network, a cluster's timers, a script of faults.
    class handler {
    public:
        /// `what` is as it was given to `at`.
        virtual void handle(std::uint64_t what) = 0;

    protected:
        ~handler() = default;
    };

    [[nodiscard]] std::int64_t now_ns() const noexcept { return now_ns_; }

    /// A time that has passed is now. `who` lives until the event is over.
    void at(std::int64_t time_ns, handler& who, std::uint64_t what) {
        events_.push({time_ns < now_ns_ ? now_ns_ : time_ns, ++scheduled_, &who, what});
    }

    /// Handles all events up to this time, which is now then.
    void run_until(std::int64_t time_ns) {
        while (!events_.empty() && events_.top().time_ns <= time_ns) step();
        if (now_ns_ < time_ns) now_ns_ = time_ns;
    }
    void run_for(std::int64_t span_ns) { run_until(now_ns_ + span_ns); }

    /// The same, until `done()` holds after an event. @returns whether it does.
    template <class Done>
    bool run_until(std::int64_t time_ns, Done&& done) {
        while (!events_.empty() && events_.top().time_ns <= time_ns) {
            if (done()) return true;
            step();
        }
        if (now_ns_ < time_ns) now_ns_ = time_ns;
        return done();
    }

    [[nodiscard]] std::uint64_t handled() const noexcept { return handled_; }

private:
    struct event {
        std::int64_t time_ns;
        std::uint64_t order;
        handler* who;
        std::uint64_t what;
    };
    struct later {
        bool operator()(const event& a, const event& b) const noexcept {
            return a.time_ns != b.time_ns ? a.time_ns > b.time_ns : a.order > b.order;
        }
    };

    void step() {
        const auto next = events_.top();
        events_.pop();
        now_ns_ = next.time_ns;
        ++handled_;
        next.who->handle(next.what);
    }

    std::priority_queue<event, std::vector<event>, later> events_;
    std::int64_t now_ns_ = 0;
    std::uint64_t scheduled_ = 0;
    std::uint64_t handled_ = 0;
};

}  // namespace dunlin::sim
