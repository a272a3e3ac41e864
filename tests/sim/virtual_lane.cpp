// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/virtual_lane.hpp"

#include "actors/activation.hpp"
#include "runtime/lane/lane.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>

#include <algorithm>
#include <future>
#include <thread>
#include <unordered_map>
#include <utility>

namespace dunlin::sim {

lane_turn& last_lane_turn() noexcept {
    thread_local lane_turn last;
    return last;
}

}  // namespace dunlin::sim

namespace dunlin::runtime {

namespace {

std::int64_t ns_of(support::timer_node::time_point at) {
    return at.time_since_epoch() / std::chrono::nanoseconds(1);
}

}  // namespace

// -- what a lane asks of its thread ---------------------------------------------------------------

lane_thread::lane_thread(caf::actor_system& system, lane& served)
    : actors::run_unit(&system),
      lane_(served) {}

void lane_thread::exec_later(caf::resumable* job) { lane_.ready_.push_back(job); }

// Nobody takes a lane over: user code takes no time.
void lane_thread::enter_user_code(actors::pool& /*running*/) noexcept {}
void lane_thread::leave_user_code() noexcept {}

std::thread lane::make_thread(std::future<bool> /*chosen*/) { return {}; }
void lane::let_serve(std::thread /*next*/, std::promise<bool>& chosen) { chosen.set_value(true); }

// Takes the lane down where it stands, as the end of `lane::finish_all` does after its farewell.
void lane::join() {
    if (!std::exchange(started_, false)) return;
    inbox_.close();
    static_cast<void>(inbox_.take(batch_));
    for (auto& command : batch_)
        if (std::holds_alternative<timer_change>(command)) apply(command);
    batch_.clear();
    end_timers();
    for (auto* job : std::exchange(ready_, {})) system_.scheduler().enqueue(job);
}

bool lane::take_over(std::uint64_t /*phase*/, std::int64_t /*held_ns*/) { return false; }
bool lane::owned_here() const noexcept {
    auto* unit = actors::run_unit::current();
    return unit != nullptr && unit == owner_.load(std::memory_order_relaxed);
}

// -- a turn ---------------------------------------------------------------------------------------

namespace {

/// What `lane::await_recalled` waits for other nodes at most, and `lane::say_farewell` for peers.
constexpr std::int64_t recall_ns_max = 200'000'000;
constexpr std::int64_t farewell_ns_max = 500'000'000;
constexpr int frames_per_turn_max = 64;

}  // namespace

// As `lane::serve`, `lane::sleep_until_work` and `lane::finish_all`, with the waiting left out.
void lane_thread::stir() noexcept {
    auto& at = lane_;
    auto& turn = sim::last_lane_turn();
    turn = {};
    ++phase_;  // which nobody watches here
    at.owner_.store(this, std::memory_order_relaxed);
    actors::run_unit::set_current(this);
    at.inbox_.woke_up();
    at.now_ns_ = at.time_.now_ns();
    const auto turn_end_ns = at.now_ns_ + 1;
    // Its events come first, as after a sleep that they ended.
    at.read_monitor();
    at.links_.read_events();
    const bool finished = at.finishing_;
    for (int frames = 0; frames < frames_per_turn_max && at.receive(); ++frames) {
        static_cast<void>(at.run_ready(*this, turn_end_ns));
        at.flush_large();
    }
    while (!at.bulky_.empty()) {
        at.read_bulk();
        static_cast<void>(at.run_ready(*this, turn_end_ns));
        at.flush_large();
    }
    const bool unread = at.links_.receive(at.router_, at.now_ns_);
    at.read_commands();
    at.fire_timers();
    if (!finished) at.tend_cluster();
    static_cast<void>(at.run_ready(*this, turn_end_ns));
    at.end_turn();
    if (at.finishing_ && !finished) {
        at.draining_ = true;
        at.away_.recall_all();
        at.cut_short_all();
        at.drain_until_ns_ = at.now_ns_ + recall_ns_max;
    }
    bool recalls = at.away_.recalls();
    if (recalls) static_cast<void>(at.links_.advance(at.now_ns_));
    if (recalls && (at.away_.count() == 0 || at.drain_until_ns_ <= at.now_ns_)) {
        recalls = false;
        at.away_.end_recall();
        at.cut_short_all();
        if (at.membership_ != nullptr) at.membership_->leave();
        at.links_.say_bye();
        at.peers_.for_each([&](peer& each) {
            each.farewell_due = true;
            wire::append(each.out, wire::ping{farewell_token});
            at.count_envelope(each);
        });
        at.drain_until_ns_ = at.now_ns_ + farewell_ns_max;  // from now on: of the farewell
        at.flush_all();
    }
    at.probe_suspects();
    at.flush_all();
    if (finished && !recalls) {
        if (at.ledger_.open_count() != 0) at.cut_short_all();
        bool due = false;
        at.peers_.for_each([&](const peer& each) { due = due || each.farewell_due; });
        turn.ended = !due || at.drain_until_ns_ <= at.now_ns_;
    }

    auto until = ns_of(at.wheel_.next_deadline());
    if (at.draining_ && at.now_ns_ < at.drain_until_ns_)
        until = std::min(until, at.drain_until_ns_);
    if (!at.backlogged_.empty() || !at.suspects_.empty())
        until = std::min(until, at.now_ns_ + 1'000'000);
    if (!finished) until = std::min({until, at.links_due_ns_, at.membership_due_ns_});
    const bool more = unread || !at.ready_.empty() || !at.inbox_.prepare_to_sleep() ||
                      at.has_news() || at.links_.has_news();
    turn.due_ns = more ? at.now_ns_ : until;

    // The books.
    std::size_t asked = at.inside_.in_flight;
    at.peers_.for_each([&](const peer& each) {
        asked += each.in_flight;
        turn.backlog += each.backlog.size();
        if (each.in_flight != each.settled.size())
            turn.problem = "peer " + each.name + " has " + std::to_string(each.in_flight) +
                           " calls, " + std::to_string(each.settled.size()) + " in its index";
    });
    std::unordered_map<const peer_link*, std::size_t> away;
    at.ledger_.for_each_open([&](const ledger_entry& entry) {
        if (entry.via == nullptr) return;
        ++away[entry.via];
        ++turn.calls_away;
    });
    turn.calls_open = at.ledger_.open_count();
    if (asked != turn.calls_open)
        turn.problem = "peers have " + std::to_string(asked) + " calls, the ledger " +
                       std::to_string(turn.calls_open);
    for (const auto& link : at.links_.all()) {
        if (link->in_flight != away[link.get()])
            turn.problem = "the link to " + link->name + " counts " +
                           std::to_string(link->in_flight) + " calls, the ledger " +
                           std::to_string(away[link.get()]);
    }
    actors::run_unit::set_current(nullptr);
}

}  // namespace dunlin::runtime
