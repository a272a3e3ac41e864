// SPDX-License-Identifier: Apache-2.0
#include "client/leadership.hpp"

#include <utility>

namespace dunlin::link {

void leadership::take() noexcept {
    led_ = true;
    leader_thread_ = std::this_thread::get_id();
}

bool leadership::promote_follower() {
    leader_thread_ = {};
    waiter* heir = followers_.pop_front();
    if (heir != nullptr) heir->promote();
    led_ = heir != nullptr;
    return led_;
}

// A thread that still waits in a call while the client is destroyed breaks the rules, but let it
// finish with the sockets.
void leadership::take_at_last() {
    lock held(mutex_);
    while (led_) {
        held.unlock();
        std::this_thread::yield();
        held.lock();
    }
    take();
}

void leadership::wake_background() noexcept {
    if (std::exchange(background_asleep_, false)) background_event_.signal();
}

void leadership::notify(lock& held) {
    // The flag is taken under the mutex and the system call made without it: a sleeper is
    // woken once, and does not run into the mutex of the thread that woke it.
    const bool wake = std::exchange(led_ ? leader_asleep_ : background_asleep_, false);
    auto& sleeper = led_ ? leader_event_ : background_event_;
    held.unlock();
    if (wake) sleeper.signal();
}

void leadership::stop() noexcept {
    stopping_ = true;
    leader_event_.signal();
    background_event_.signal();
}

bool leadership::poll_in_background(std::vector<pollfd>& set, time_point until) {
    support::sleep_poll(set, until);
    if (set[0].revents != 0) background_event_.drain();
    for (std::size_t i = 1; i < set.size(); ++i) {
        if (set[i].revents != 0) return true;
    }
    return false;
}

}  // namespace dunlin::link
