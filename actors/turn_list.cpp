// SPDX-License-Identifier: Apache-2.0
#include "actors/turn_list.hpp"

#include "actors/call.hpp"
#include "actors/pool.hpp"

#include <utility>

namespace dunlin::actors {

bool turn_list::writes() const noexcept { return pool_.info().writes_state; }

bool turn_list::next(turn& which) {
    for (;;) {
        if (at_ < held_.turns.size()) {
            which = std::move(held_.turns[at_++]);
            return true;
        }
        if (held_.key != nullptr && held_.failure == nullptr) {
            auto after = space_.finish(std::exchange(held_, {}), done_);
            take(std::move(after));
            if (held_.key != nullptr) continue;
        }
        held_.failure = nullptr;
        held_.key = nullptr;
        held_.turns.clear();
        at_ = 0;
        if (!work_) return false;
        while (next_ < work_->size() && (*work_)[next_].turn == nullptr) ++next_;
        if (next_ == work_->size()) {
            work_ = {};
            return false;
        }
        take(space_.grant_of(pool_, work_, next_++));
    }
}

bool turn_list::open(dunlin_call& call) {
    if (held_.failure != nullptr) {
        call.failed = true;
        call.failure = *held_.failure;
        return false;
    }
    call.state = nullptr;
    call.turns = this;
    if (pool_.info().state == nullptr) return true;
    auto object = space_.object(held_);
    result<void> ready;
    if (object && writes()) ready = space_.protect(held_);
    if (object && ready) {
        call.state = *object;
        return true;
    }
    call.failed = true;
    call.failure = object ? std::move(ready.error()) : std::move(object.error());
    call.failure.did_not_run = true;
    return false;
}

void turn_list::close(dunlin_call& call) {
    ++done_.calls;
    if (call.state == nullptr || !writes()) return;
    // Nobody waits for it any more, and has been told that it failed: nothing of it may stay.
    const bool in_vain = call.failed || call.invocation->stop.requested();
    if (in_vain) {
        space_.undo(held_);
    } else {
        done_.changed = true;
        done_.writer = {call.invocation->source, call.invocation->id};
        if (call.expiry_said) {
            done_.expiry_said = true;
            done_.expires_ms = call.expires_ms;
        }
    }
}

void turn_list::record_latencies(run_record& into, std::int64_t now_ns) noexcept {
    for (const auto each : arrived_ns_) into.answered(now_ns - each, 1);
    arrived_ns_.clear();
}

void turn_list::commit(dunlin_call& call, answer_port& port, answer_address to) {
    done_.changed = true;
    done_.writer = {call.invocation->source, call.invocation->id};
    done_.replies.add(port, to, bytes_view{});
    space_.commit(held_, done_);
}

}  // namespace dunlin::actors
