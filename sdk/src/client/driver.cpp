// SPDX-License-Identifier: Apache-2.0
//
// The life of a client, and the rounds of the thread that drives it.
#include "client/driver.hpp"

#include "client/checks.hpp"
#include "cluster/random.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <utility>

namespace dunlin::link {

using namespace std::chrono_literals;

namespace {

constexpr int frames_per_round = 16;
constexpr std::chrono::microseconds busy_poll_max = std::chrono::milliseconds(10);

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

// -- life ------------------------------------------------------------------------------------

// No two clients share it. Process numbers and clocks are alike in containers that start together,
// so chance is asked too.
std::uint64_t driver::random_origin() {
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

driver::driver(client_options options, std::shared_ptr<const security::client_keys> keys,
               support::address_resolver::lookup look_up, std::uint64_t origin)
    : options_(std::move(options)),
      origin_(origin),
      leadership_(*this, mutex_, std::min(options_.busy_poll, busy_poll_max)),
      book_(options_.in_flight_max, options_.retries_max, clock::now()),
      fleet_({.endpoints = options_.endpoints,
              .pause_min = options_.reconnect_after_min,
              .pause_max = options_.reconnect_after_max,
              .seed = origin_,
              .nodes_max = options_.nodes_max},
             options_.cluster),
      attempts_(book_, fleet_, origin_, clock::now()),
      connections_(fleet_, connecting(options_, std::move(keys)), leadership_.leader_event(),
                   std::move(look_up)) {
    const lock held(mutex_);
    leadership_.watch_anew();
}

driver::~driver() {
    {
        const lock held(mutex_);
        if (leadership_.here()) {
            std::fputs("dunlin: a client was destroyed inside one of its own callbacks\n", stderr);
            std::abort();  // it would wait for itself
        }
        connections_.stop();
        leadership_.stop();
    }
    leadership_.end();
}

void driver::start() { leadership_.start(); }

result<void> driver::wait_connected() {
    lock held(mutex_);
    return fleet_.wait_reached(held, options_.connect_timeout, options_.endpoints);
}

driver::turn driver::step() {
    turn came{.due = leadership_.step(), .kept_bytes = book_.kept_bytes(), .under_way = 0};
    for (const auto& one : connections_.all()) came.under_way += one->in_flight;
    return came;
}

// -- rounds ----------------------------------------------------------------------------------

bool driver::pending() const noexcept {
    return book_.in_flight() != 0 || book_.any_due() || connections_.pending();
}

driver::time_point driver::idle_until() {
    if (book_.any_due() || connections_.unsent() || attempts_.can_send_held())
        return time_point::min();
    return std::min({book_.next_deadline(), attempts_.next_copy(), connections_.next_action()});
}

// Takes what has arrived, but for now no more than that deadlines and other lanes may wait for.
// What callbacks start meanwhile is sent afterwards, or as soon as a frame is full: flushing
// after every received frame would never let them grow.
bool driver::receive(waiter* own) {
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
    leadership_.awake();
    book_.frames_end();
    book_.recycle();
    // Also on a thread that leads while the client is destroyed, which breaks the rules.
    if (leadership_.stopping()) {
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

// What time asks for. @returns whether there may be something to send, receive or deliver now.
bool driver::upkeep(time_point now) {
    bool late = false;
    bool closing = false;
    bool opening = false;
    {
        const lock held(mutex_);
        book_.expire(now, [this](const call& expired) { return expiry(expired); });
        attempts_.send_copies(now);
        const bool asked = connections_.feel_pulses(now, book_.window());
        late = asked || book_.any_due();
        closing = connections_.any_to_close(now);
        opening = connections_.any_to_open(now);
    }
    if (closing) close_connections(now);
    if (closing || opening) {
        lock held(mutex_);
        connections_.open(held, now);
        leadership_.watch_anew();
    }
    return late || closing || opening;
}

error driver::expiry(const call& late) const {
    const auto within = " within " + to_text(late.timeout);
    if (late.on != nullptr) {
        return {errc::deadline_exceeded, "no answer from " + late.function + within};
    }
    const auto where = fleet_.why_unreached(fleet_.plan().seeking(), within);
    if (late.keeps() && !late.kept->tried.empty()) {
        return {errc::unavailable,
                "no answer from " + late.function + ", it may have run, and since then " + where};
    }
    return {errc::unavailable, late.function + " did not run: " + where};
}

// Takes down connections that are of no use any more.
void driver::close_connections(time_point now) {
    connection_set::list closed;
    {
        const lock held(mutex_);
        connections_.detach_failed(now, [&](connection& lost) { attempts_.lost(lost, now); });
        fleet_.refresh(now);
        attempts_.move_vacated(now);
        closed = connections_.take_closed(now);
        leadership_.watch_anew();
    }
    for (const auto& one : closed) one->say_bye();
}

void driver::finish() {
    flush();
    connections_.close();
}

}  // namespace dunlin::link
