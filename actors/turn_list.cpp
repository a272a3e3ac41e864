// SPDX-License-Identifier: Apache-2.0
#include "actors/turn_list.hpp"

#include "actors/call.hpp"
#include "actors/pool.hpp"
#include "actors/request_trace.hpp"
#include "cluster/rendezvous.hpp"

#include <string>
#include <utility>

namespace dunlin::actors {

turn_list::turn_list(pool& of, state_space& in)
    : pool_(of),
      space_(in),
      recalls_(of.info().idempotent() && of.info().writes_state && of.info().state != nullptr &&
               in.stored()),
      function_(cluster::name_hash(of.info().name)) {}

bool turn_list::writes() const noexcept { return pool_.info().writes_state; }

bool turn_list::next(turn& which) {
    for (;;) {
        if (at_ < held_.turns.size()) {
            which = std::move(held_.turns[at_++]);
            if (space_.sharing() != nullptr) current_ = which;
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
        current_ = {};
        if (!work_) return false;
        while (next_ < work_->size() && (*work_)[next_].turn == nullptr) ++next_;
        if (next_ == work_->size()) {
            work_ = {};
            return false;
        }
        take(space_.grant_of(pool_, work_, next_++, std::move(held_.turns)));
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
    if (recalls_ && recalled(call)) return false;
    auto object = space_.object(held_);
    result<void> ready;
    if (object && writes()) {
        // A turn before it in this go may have changed the value, and what this one does is undone
        // to behind that: so that is noted first. Values that cost nothing to copy are copied each
        // time.
        if (done_.changed && !held_.key->value.cheap()) space_.commit(held_, done_);
        ready = space_.protect(held_);
    }
    if (object && ready) {
        call.state = *object;
        return true;
    }
    call.failed = true;
    call.failure = object ? std::move(ready.error()) : std::move(object.error());
    call.failure.did_not_run = true;
    return false;
}

call_name turn_list::name_of(const dunlin_call& call) const noexcept {
    auto name = actors::name_of(*call.invocation, pool_.env().instance);
    name.id ^= function_;
    return name;
}

call_name turn_list::writer_of(const dunlin_call& call) const noexcept {
    auto name = name_of(call);
    name.id ^= cluster::mix(call.invocation->attempt);
    return name;
}

// Of those before it in this go first: the key does not have them yet.
bool turn_list::recalled(dunlin_call& call) const {
    const auto name = name_of(call);
    auto found = done_.recent.find(name);
    if (!found && held_.key->recent) found = held_.key->recent->find(name);
    if (!found) return false;
    if (found->has_reply && call.output.try_append(found->reply.data(), found->reply.size()))
        return true;
    call.failed = true;
    call.failure = {errc::unavailable,
                    "this call has been applied before, and its reply is not known any more: it "
                    "had more than " +
                        std::to_string(recent_calls::reply_bytes_max) + " bytes"};
    return true;
}

key_turns::waiter turn_list::waits(const turn& which) const {
    const auto& info = pool_.info();
    return {&pool_,
            which,
            space_.takes_alone(pool_),
            info.async() || info.blocking(),
            {},
            space_.sharing()->now_ns()};
}

bool turn_list::put_back(const turn& next) {
    if (space_.sharing() == nullptr || held_.failure != nullptr || space_.sharing()->may_run(held_))
        return false;
    // As it was before it came here: who stops it finds no activation that has it.
    next.call().runner.store(nullptr, std::memory_order_seq_cst);
    done_.again.push_back(waits(next));
    return true;
}

void turn_list::close(dunlin_call& call) {
    ++done_.calls;
    if (space_.sharing() != nullptr && holds_replies()) done_.ran.push_back(waits(current_));
    if (call.state == nullptr || !writes()) return;
    // Nobody waits for it any more, and has been told that it failed: nothing of it may stay.
    const bool in_vain = call.failed || call.invocation->stop.requested();
    if (in_vain) {
        space_.undo(held_);
    } else {
        done_.changed = true;
        done_.writer = writer_of(call);
        if (recalls_ && done_.writer.origin != 0)
            done_.recent.add(name_of(call), call.output.view());
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
    done_.writer = writer_of(call);
    done_.replies.add(port, to, bytes_view{});
    space_.commit(held_, done_);
}

}  // namespace dunlin::actors
