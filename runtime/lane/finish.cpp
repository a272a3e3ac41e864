// SPDX-License-Identifier: Apache-2.0
//
// How a lane ends: every call gets an answer that says whether it may run elsewhere, and every peer
// the time to read it.
//
// A state machine, one step at a time: stopping, recalling, farewell, ended. What a step may wait
// for it asks for and returns; what comes is looked at by the next one.
#include "runtime/lane/lane.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>

#include <algorithm>
#include <utility>

namespace dunlin::runtime {

namespace {

/// How long the other nodes have to say which calls have begun, and the peers to read their last
/// answers.
constexpr std::int64_t recall_ns_max = 200'000'000;
constexpr std::int64_t farewell_ns_max = 500'000'000;
/// Between two steps while nothing comes. In a farewell, a peer that is gone is found by sending
/// to it.
constexpr std::int64_t recall_pause_ns = 5'000'000;
constexpr std::int64_t farewell_pause_ns = 20'000'000;

}  // namespace

void lane::finish() {
    clock_.read();
    if (stage_ == stage::stopping)
        recall_calls();
    else if (stage_ == stage::recalling)
        await_recalled();
    if (stage_ == stage::recalling) {
        if (calls_.away().count() != 0 && clock_.now_ns() < stage_until_ns_) return;
        say_farewell();
    }
    if (stage_ != stage::farewell) return;
    answer_peers();
    bool due = false;
    outlet_.peers().for_each([&](const peer& each) { due = due || each.farewell_due; });
    if (due && clock_.now_ns() < stage_until_ns_) return;
    stage_ = stage::ended;
    counters_.calls_open.set(0);
    let_go();
    keeper_.close();
    socket_.close();
}

void lane::recall_calls() {
    stage_ = stage::recalling;
    stage_until_ns_ = clock_.now_ns() + recall_ns_max;
    draining_.cut_short();
    handshake_.set_draining();
    end_turn();
    calls_.away().recall_all();
    calls_.cut_short_all();
}

// Calls that wait on other nodes may run elsewhere, too, but only those nodes know which of them
// have begun. Both ways are read meanwhile: the others may be about to stop and ask the same.
void lane::await_recalled() {
    static_cast<void>(links_.receive(router_, clock_.now_ns()));
    static_cast<void>(links_.advance(clock_.now_ns()));
    answer_peers();
}

// What a peer has received but not read yet is lost when the connection ends under it. So every
// peer is asked to show that it has read its last answers, and is waited for a little.
void lane::say_farewell() {
    stage_ = stage::farewell;
    stage_until_ns_ = clock_.now_ns() + farewell_ns_max;
    calls_.away().end_recall();
    calls_.cut_short_all();
    neighbours_.leave();
    outlet_.peers().for_each([this](peer& each) {
        each.farewell_due = true;
        outlet_.say(each, wire::ping{farewell_token});
    });
    departures_.flush_all();
}

// Links are of no use any more once they have been said bye on.
bool lane::unread_at_end() {
    if (keeper_.has_bulk() || socket_.has_news()) return true;
    return stage_ == stage::recalling && links_.has_news();
}

std::int64_t lane::finish_due_ns() const {
    const auto pause_ns = stage_ == stage::recalling ? recall_pause_ns : farewell_pause_ns;
    return std::min(clock_.now_ns() + pause_ns, stage_until_ns_);
}

void lane::wait_to_finish() {
    if (!may_wait()) return;
    using end_of = lane_poll::end_of;
    poll_.wait_at_end(stage_ == stage::recalling ? end_of::recall : end_of::farewell,
                      due_ns() - clock_.now_ns());
}

void lane::let_go() {
    // Timers end with the lane: what waits for one goes on now, and nothing begins any more.
    admission_.stop();
    inbox_.close();
    read_commands();
    calls_.end_timers();
    // Operations that ended through the stop: their activations go on elsewhere.
    while (!ready_.empty()) system_.scheduler().enqueue(ready_.pop().what);
}

// What peers still send to a lane that ends is answered, and nothing of it begins.
void lane::answer_peers() {
    // No more than some at a time: a peer that goes on sending must not keep the lane.
    constexpr int frames_per_look = 64;
    for (int frames = 0; frames < frames_per_look && intake_.receive();) ++frames;
    if (keeper_.has_bulk()) intake_.read_bulk();
    if (calls_.ledger().open_count() != 0) calls_.cut_short_all();
    keeper_.read_monitor();
    outlet_.probe_suspects();
    departures_.flush_all();
}

}  // namespace dunlin::runtime
