// SPDX-License-Identifier: Apache-2.0
//
// How a lane ends: every call gets an answer that says whether it may run elsewhere, and every peer
// the time to read it.
//
// A state machine, one step at a time: stopping, recalling, farewell, ended. What a step may wait
// for it asks for and returns; what comes is looked at by the next one.
#include "actors/activation.hpp"
#include "runtime/lane/lane.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>
#include <poll.h>

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
    now_ns_ = time_.now_ns();
    if (stage_ == stage::stopping)
        recall_calls();
    else if (stage_ == stage::recalling)
        await_recalled();
    if (stage_ == stage::recalling) {
        if (away_.count() != 0 && now_ns_ < stage_until_ns_) return;
        say_farewell();
    }
    if (stage_ != stage::farewell) return;
    answer_peers();
    bool due = false;
    outlet_.peers().for_each([&](const peer& each) { due = due || each.farewell_due; });
    if (due && now_ns_ < stage_until_ns_) return;
    stage_ = stage::ended;
    counters_.calls_open.set(0);
    let_go();
    keeper_.close();
    socket_.close();
}

void lane::recall_calls() {
    stage_ = stage::recalling;
    stage_until_ns_ = now_ns_ + recall_ns_max;
    draining_ = true;
    handshake_.set_draining();
    end_turn();
    away_.recall_all();
    cut_short_all();
}

// Calls that wait on other nodes may run elsewhere, too, but only those nodes know which of them
// have begun. Both ways are read meanwhile: the others may be about to stop and ask the same.
void lane::await_recalled() {
    static_cast<void>(links_.receive(router_, now_ns_));
    static_cast<void>(links_.advance(now_ns_));
    answer_peers();
}

// What a peer has received but not read yet is lost when the connection ends under it. So every
// peer is asked to show that it has read its last answers, and is waited for a little.
void lane::say_farewell() {
    stage_ = stage::farewell;
    stage_until_ns_ = now_ns_ + farewell_ns_max;
    away_.end_recall();
    cut_short_all();
    if (membership_ != nullptr) membership_->leave();
    links_.say_bye();
    outlet_.peers().for_each([this](peer& each) {
        each.farewell_due = true;
        outlet_.say(each, wire::ping{farewell_token});
    });
    flush_all();
}

// Links are of no use any more once they have been said bye on.
bool lane::unread_at_end() {
    if (keeper_.has_bulk() || socket_.has_news()) return true;
    return stage_ == stage::recalling && links_.has_news();
}

std::int64_t lane::finish_due_ns() const {
    const auto pause_ns = stage_ == stage::recalling ? recall_pause_ns : farewell_pause_ns;
    return std::min(now_ns_ + pause_ns, stage_until_ns_);
}

void lane::wait_to_finish() {
    if (!may_wait()) return;
    poll_items_.assign({{socket_.fd(), POLLIN, 0}});
    if (stage_ == stage::recalling) links_.add_poll_items(poll_items_);
    const auto left_ms = (due_ns() - now_ns_) / 1'000'000 + 1;
    ::poll(poll_items_.data(), poll_items_.size(), static_cast<int>(left_ms));
}

void lane::let_go() {
    // Timers end with the lane: what waits for one goes on now.
    inbox_.close();
    read_commands();
    end_timers();
    // Operations that ended through the stop: their activations go on elsewhere.
    for (auto* job : std::exchange(ready_, {})) system_.scheduler().enqueue(job);
}

// Again as long as anything is read: a repeat of a call that runs on another lane has an entry
// until its turn ends, whatever becomes of new calls.
void lane::cut_short_all() {
    settle();
    ledger_.for_each_open([this](ledger_entry& entry) {
        // Of one that was recalled its node says whether it began.
        if (entry.via == nullptr || !away_.recalls()) cut_short(entry);
    });
    turn_work_.clear();
}

void lane::cut_short(ledger_entry& entry) {
    const bool unstarted = stop_unstarted(entry, errc::unavailable);
    if (!unstarted && entry.via != nullptr) away_.withdraw(entry);
    recalled(entry, unstarted);
}

void lane::recalled(ledger_entry& entry, bool unstarted) {
    counters_.calls_cut_short.add();
    error why{errc::unavailable, "node " + options_.node_name + " stopped before " +
                                     function_of(entry) +
                                     (unstarted ? " started; the call did not run"
                                                : " answered; the function may have run")};
    why.did_not_run = unstarted;
    const auto work = entry.keep;
    const auto index = entry.index;
    forwarded_error(entry, std::move(why));
    if (work) actors::activation::stop(work, index, errc::unavailable);
}

// The stop comes first: only when it has been requested is it certain of a call that waits for its
// turn that it will not start after all, and may run elsewhere.
bool lane::stop_unstarted(ledger_entry& entry, errc reason) {
    return entry.via == nullptr && entry.plays != ledger_entry::part::attached && entry.keep &&
           actors::activation::stop(entry.keep, entry.index, reason);
}

void lane::end_timers() {
    wheel_.advance(support::timer_node::time_point::max(), [](support::timer_node& node) {
        auto& item = static_cast<wheel_item&>(node);
        if (item.what != wheel_item::kind::operation) return;  // of a call: each has its answer
        const auto fired = std::exchange(static_cast<lane_timer&>(item).self, nullptr);
        fired->fire_at_end();
    });
}

// What peers still send to a lane that ends is answered, and nothing of it begins.
void lane::answer_peers() {
    // No more than some at a time: a peer that goes on sending must not keep the lane.
    constexpr int frames_per_look = 64;
    for (int frames = 0; frames < frames_per_look && receive();) ++frames;
    if (keeper_.has_bulk()) read_bulk();
    if (ledger_.open_count() != 0) cut_short_all();
    keeper_.read_monitor();
    outlet_.probe_suspects();
    flush_all();
}

}  // namespace dunlin::runtime
