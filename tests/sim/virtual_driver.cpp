// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/virtual_driver.hpp"

#include "client/driver.hpp"
#include "cluster/random.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::sim {

namespace {

thread_local std::uint64_t next_seed = 1;

}  // namespace

driver_turn& last_driver_turn() noexcept {
    thread_local driver_turn last;
    return last;
}

void set_driver_seed(std::uint64_t seed) noexcept { next_seed = seed; }

}  // namespace dunlin::sim

namespace dunlin::link {

namespace {

using namespace std::chrono_literals;

constexpr int frames_per_round = 16;

connection::settings connecting(const client_options& options,
                                std::shared_ptr<const security::client_keys> keys) {
    connection::settings how;
    how.client_name = options.name;
    how.cluster = options.cluster;
    how.keys = std::move(keys);
    if (!options.learn_members) how.features = 0;
    how.silence_max = options.silence_max;
    how.greet_timeout = std::min(how.greet_timeout, options.connect_timeout / 2 + 1ms);
    return how;
}

}  // namespace

// -- life, as in driver_lead.cpp without the background thread ------------------------------------

driver::driver(client_options options, std::shared_ptr<const security::client_keys> keys,
               support::address_resolver::lookup look_up)
    : options_(std::move(options)),
      origin_(cluster::mix(sim::next_seed++) | 1),
      book_(options_.in_flight_max, options_.retries_max, clock::now()),
      fleet_({.endpoints = options_.endpoints,
              .pause_min = options_.reconnect_after_min,
              .pause_max = options_.reconnect_after_max,
              .seed = origin_,
              .nodes_max = options_.nodes_max},
             options_.cluster),
      attempts_(book_, fleet_, origin_, clock::now()),
      busy_poll_(0ns),
      connections_(fleet_, connecting(options_, std::move(keys)), leader_event_,
                   std::move(look_up)) {
    // Whoever calls is this thread, which drives, as if it called from within a callback.
    take_lead();
}

driver::~driver() {
    stopping_ = true;
    connections_.stop();
    shut_down();
}

void driver::take_lead() noexcept {
    led_ = true;
    leader_thread_ = std::this_thread::get_id();
}
void driver::release_lead() {}
void driver::wake_background() noexcept {}
void driver::lead(waiter* /*own*/) {}

// -- a turn ---------------------------------------------------------------------------------------

// As `driver::lead` and `driver::sleep`.
result<void> driver::wait_connected() {
    connections_.read_events();
    for (bool more = true; more;) {
        flush();
        const bool received = receive_round(nullptr);
        const bool changed = upkeep(clock::now());
        more = received || changed || book_.any_due() || connections_.unsent() ||
               attempts_.can_send_held();
    }
    auto& turn = sim::last_driver_turn();
    turn.due_ns =
        ns(std::min({book_.next_deadline(), attempts_.next_copy(), connections_.next_action()}));
    turn.kept_bytes = book_.kept_bytes();
    turn.on_connections = 0;
    for (const auto& one : connections_.all()) turn.on_connections += one->in_flight;
    return {};
}

bool driver::receive_round(waiter* /*own*/) {
    bool received = false;
    for (const auto& one : connections_.all()) {
        for (int count = 0; count < frames_per_round; ++count) {
            const auto frame = one->receive();
            if (!frame) break;
            received = true;
            handle(*one, frame);
        }
    }
    return received;
}

void driver::flush() {
    book_.frames_end();
    book_.recycle();
    if (stopping_) {
        book_.cancel_all();
        attempts_.forget();
    }
    if (attempts_.can_send_held()) attempts_.send_held(clock::now());
    for (const auto& one : connections_.all()) {
        while (one->problem().empty() && one->out.take(sending_)) {
            fleet_.frame_leaves(*one);
            if (one->send(sending_)) {
                ++stats_.frames_sent;
                one->out.give_back(std::move(sending_));
            } else {
                one->out.put_back(std::move(sending_));
            }
        }
    }
    if (!book_.any_due()) return;
    book_.take_due(delivering_);
    for (auto& one : delivering_) deliver(*one.to, result<bytes>(std::move(one.why)));
    delivering_.clear();
}

void driver::send_cut(connection& on) {
    while (on.problem().empty() && on.out.take_cut(sending_)) {
        if (!on.send(sending_)) return on.out.put_back(std::move(sending_));
        ++stats_.frames_sent;
        on.out.give_back(std::move(sending_));
    }
}

void driver::deliver(call& settled, result<bytes>&& with) noexcept {
    settled.done(std::move(with));
    settled.done.reset();
    book_.delivered(settled);
}

void driver::shut_down() {
    flush();
    connections_.close();
}

}  // namespace dunlin::link
