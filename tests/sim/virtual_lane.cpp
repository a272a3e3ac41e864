// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/virtual_lane.hpp"

#include "runtime/lane/lane.hpp"

#include <limits>
#include <unordered_map>

namespace dunlin::sim {

using namespace runtime;

virtual_lane::virtual_lane(caf::actor_system& system, lane& served)
    : lane_(served),
      unit_(system, served.ownership_, served.ready_) {}

lane_turn virtual_lane::turn() {
    using stage = lane::stage;
    auto& at = lane_;
    lane_turn turn;
    if (at.stage_ != stage::ended) {
        at.ownership_.acquire(unit_);
        // As after a sleep that they ended.
        at.inbox_.woke_up();
        at.clock_.read();
        at.read_events();
        const bool busy = at.stage_ == stage::serving && at.turn(unit_) != lane::turned::idle;
        if (at.stage_ != stage::serving) at.finish();
        actors::run_unit::set_current(nullptr);
        if (at.stage_ != stage::ended) {
            const bool more = (busy && at.stage_ == stage::serving) || !at.may_wait();
            turn.due_ns = more ? at.clock_.now_ns() : at.due_ns();
        }
    }
    turn.ended = at.stage_ == stage::ended;
    if (turn.ended) turn.due_ns = std::numeric_limits<std::int64_t>::max();
    check_books(turn);
    return turn;
}

bool virtual_lane::has_commands() {
    return lane_.stage_ == lane::stage::serving && !lane_.inbox_.prepare_to_sleep();
}

void virtual_lane::kill() {
    if (lane_.stage_ == lane::stage::ended) return;
    lane_.stage_ = lane::stage::ended;
    lane_.let_go();
}

void virtual_lane::check_books(lane_turn& turn) {
    auto& at = lane_;
    std::size_t asked = at.calls_.inside().in_flight;
    at.outlet_.peers().for_each([&](const peer& each) {
        asked += each.in_flight;
        turn.backlog += each.backlog.size();
        if (each.in_flight != each.settled.size())
            turn.problem = "peer " + each.name + " has " + std::to_string(each.in_flight) +
                           " calls, " + std::to_string(each.settled.size()) + " in its index";
    });
    std::unordered_map<const peer_link*, std::size_t> away;
    at.calls_.ledger().for_each_open([&](const ledger_entry& entry) {
        if (entry.via == nullptr) return;
        ++away[entry.via];
        ++turn.calls_away;
    });
    turn.calls_open = at.calls_.ledger().open_count();
    if (asked != turn.calls_open)
        turn.problem = "peers have " + std::to_string(asked) + " calls, the ledger " +
                       std::to_string(turn.calls_open);
    for (const auto& link : at.links_.all()) {
        if (link->in_flight != away[link.get()])
            turn.problem = "the link to " + link->name + " counts " +
                           std::to_string(link->in_flight) + " calls, the ledger " +
                           std::to_string(away[link.get()]);
    }
}

}  // namespace dunlin::sim
