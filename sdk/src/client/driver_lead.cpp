// SPDX-License-Identifier: Apache-2.0
//
// Who drives the sockets, and the loop of the thread that does.
#include "client/checks.hpp"
#include "client/driver.hpp"
#include "cluster/random.hpp"
#include "support/signal_mask.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <random>
#include <utility>

namespace dunlin::link {

using namespace std::chrono_literals;

namespace {

// After this long without calls the background thread watches the sockets.
constexpr std::chrono::milliseconds quiet_after{50};
constexpr int frames_per_round = 16;
constexpr std::chrono::microseconds busy_poll_max = std::chrono::milliseconds(10);

bool readable(const pollfd& entry) noexcept { return entry.revents != 0; }

// The identity of this client, of its pauses and choices, so that no two clients share them.
// Process numbers and clocks are alike in containers that start together, so chance is asked too.
std::uint64_t seed() {
    const auto time = std::chrono::steady_clock::now().time_since_epoch().count();
    std::uint64_t chance = 0;
    try {
        std::random_device device;
        chance = (std::uint64_t{device()} << 32) | device();
    } catch (const std::exception&) {  // no such device: the rest has to do
    }
    const auto mixed = cluster::mix(chance ^ static_cast<std::uint64_t>(time) ^
                                    (static_cast<std::uint64_t>(::getpid()) << 40));
    return mixed == 0 ? 1 : mixed;
}

connection::settings connecting(const client_options& options,
                                std::shared_ptr<const security::client_keys> keys) {
    connection::settings how;
    how.client_name = options.name.empty() ? "client-" + std::to_string(::getpid()) : options.name;
    how.cluster = options.cluster;
    how.keys = std::move(keys);
    if (!options.learn_members) how.features = 0;
    how.silence_max = options.silence_max;
    // Within `connect_timeout`, so that `wait_connected` can say what it waited for.
    how.greet_timeout = std::min(how.greet_timeout, options.connect_timeout / 2 + 1ms);
    return how;
}

}  // namespace

driver::driver(client_options options, std::shared_ptr<const security::client_keys> keys,
               support::address_resolver::lookup look_up)
    : options_(std::move(options)),
      origin_(seed()),
      book_(options_.in_flight_max, options_.retries_max, clock::now()),
      fleet_({.endpoints = options_.endpoints,
              .pause_min = options_.reconnect_after_min,
              .pause_max = options_.reconnect_after_max,
              .seed = origin_,
              .nodes_max = options_.nodes_max},
             options_.cluster),
      attempts_(book_, fleet_, origin_, clock::now()),
      busy_poll_(std::min(options_.busy_poll, busy_poll_max)),
      connections_(fleet_, connecting(options_, std::move(keys)), leader_event_,
                   std::move(look_up)) {
    rebuild_poll_set();
    const support::signals_blocked no_signals;
    background_ = std::thread([this] { run_background(); });
}

driver::~driver() {
    {
        lock held(mutex_);
        if (leader_thread_ == std::this_thread::get_id()) {
            std::fputs("dunlin: a client was destroyed inside one of its own callbacks\n", stderr);
            std::abort();  // it would wait for itself
        }
        stopping_ = true;
        connections_.stop();
        leader_event_.signal();
        background_event_.signal();
    }
    background_.join();
}

result<void> driver::wait_connected() {
    lock held(mutex_);
    return fleet_.wait_reached(held, options_.connect_timeout, options_.endpoints);
}

// -- leadership ------------------------------------------------------------------------------

void driver::take_lead() noexcept {
    led_ = true;
    leader_thread_ = std::this_thread::get_id();
}

void driver::release_lead() {
    leader_thread_ = {};
    if (waiter* heir = followers_.pop_front(); heir != nullptr) {
        heir->promote();  // `led_` stays set on its behalf
        return;
    }
    led_ = false;
    // A leader goes with its own answer and need not have received until nothing was there, and
    // only after that does ZeroMQ signal again: whoever sleeps on the sockets has to look first.
    if (work_pending() || background_watches_) wake_background();
}

void driver::wake_background() noexcept {
    if (std::exchange(background_asleep_, false)) background_event_.signal();
}

// Something that a leader has to do, or wait for.
bool driver::work_pending() const noexcept {
    return book_.in_flight() != 0 || book_.any_due() || connections_.pending();
}

// The background thread leads when there is something to do and nobody else does it. When there
// is not it leaves the lead to whoever comes, so that a thread that calls and waits needs nobody;
// after a while without calls it watches the sockets for connections that end.
void driver::run_background() {
    bool quiet = false;
    bool look = false;
    std::uint64_t turns_seen = 0;
    lock held(mutex_);
    while (!stopping_) {
        if (!led_ && (look || work_pending())) {
            look = false;
            take_lead();
            held.unlock();
            lead(nullptr);
            held.lock();
            release_lead();
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
    // A thread that still waits in a call while the client is destroyed breaks the rules, but
    // let it finish with the sockets.
    while (led_) {
        held.unlock();
        std::this_thread::yield();
        held.lock();
    }
    take_lead();
    held.unlock();
    shut_down();
}

// Sleeps without the lead. @returns whether a socket has news.
bool driver::watch(bool quiet) {
    std::vector<pollfd> set{{background_event_.fd(), POLLIN, 0}};
    if (quiet) {
        const lock held(mutex_);
        if (!background_asleep_) return false;
        connections_.add_descriptors(set);
    }
    support::sleep_poll(set, quiet ? time_point::max() : clock::now() + quiet_after);
    if (readable(set[0])) background_event_.drain();
    for (std::size_t i = 1; i < set.size(); ++i) {
        if (readable(set[i])) return true;
    }
    return false;
}

// -- the loop --------------------------------------------------------------------------------

// Drives until `own` has its answer, or while there is work for the background thread.
void driver::lead(waiter* own) {
    if (own == nullptr) connections_.read_events();
    for (;;) {
        flush();
        const bool received = receive_round(own);
        if (own != nullptr && own->answered()) return flush();
        const bool changed = upkeep(clock::now());
        if (received || changed) continue;
        if (own == nullptr && nothing_to_lead()) return;
        sleep();
    }
}

bool driver::nothing_to_lead() {
    const lock held(mutex_);
    return stopping_ || !work_pending();
}

// Takes what has arrived, but for now no more than that deadlines and other lanes may wait for.
// What callbacks start meanwhile is sent afterwards, or as soon as a frame is full: flushing
// after every received frame would keep small frames small for ever.
bool driver::receive_round(waiter* own) {
    bool received = false;
    for (const auto& one : connections_.all()) {
        for (int count = 0; count < frames_per_round; ++count) {
            const auto frame = one->receive();
            if (!frame) break;
            received = true;
            handle(*one, frame);
            if (own != nullptr && own->answered()) return true;
        }
    }
    return received;
}

void driver::flush() {
    lock held(mutex_);
    leader_asleep_ = false;
    book_.frames_end();
    book_.recycle();
    // Also on a thread that leads while the client is destroyed, which breaks the rules.
    if (stopping_) {
        book_.cancel_all();
        attempts_.forget();
    }
    if (attempts_.can_send_held()) attempts_.send_held(clock::now());
    for (const auto& one : connections_.all()) {
        while (one->problem().empty() && one->out.take(sending_)) {
            fleet_.frame_leaves(*one);
            held.unlock();
            const bool sent = one->send(sending_);
            held.lock();
            if (sent) {
                ++stats_.frames_sent;
                one->out.give_back(std::move(sending_));
            } else {
                one->out.put_back(std::move(sending_));
            }
        }
    }
    if (!book_.any_due()) return;
    book_.take_due(delivering_);
    held.unlock();
    for (auto& one : delivering_) deliver(*one.to, result<bytes>(std::move(one.why)));
    delivering_.clear();
}

// Frames that are full, from within a callback.
void driver::send_cut(connection& on) {
    lock held(mutex_);
    while (on.problem().empty() && on.out.take_cut(sending_)) {
        held.unlock();
        const bool sent = on.send(sending_);
        held.lock();
        if (!sent) return on.out.put_back(std::move(sending_));
        ++stats_.frames_sent;
        on.out.give_back(std::move(sending_));
    }
}

void driver::deliver(call& settled, result<bytes>&& with) noexcept {
    if (settled.sync != nullptr) {
        settled.sync->deliver(std::move(with));
    } else {
        settled.done(std::move(with));
        settled.done.reset();
    }
    book_.delivered(settled);
}

void driver::sleep() {
    time_point until;
    {
        const lock held(mutex_);
        if (stopping_ || book_.any_due() || connections_.unsent() || attempts_.can_send_held())
            return;
        until =
            std::min({book_.next_deadline(), attempts_.next_copy(), connections_.next_action()});
        leader_asleep_ = true;
    }
    busy_poll_.wait(poll_set_, until);
    if (readable(poll_set_[0])) leader_event_.drain();
    connections_.read_events(std::span<const pollfd>(poll_set_).subspan(1));
}

void driver::shut_down() {
    flush();
    connections_.close();
}

}  // namespace dunlin::link
