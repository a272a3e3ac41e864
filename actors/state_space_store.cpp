// SPDX-License-Identifier: Apache-2.0
//
// Between a space and the store: values that were read, and what is written of a key.
#include "actors/state_space.hpp"

#include <iterator>
#include <memory>
#include <mutex>
#include <utility>

namespace dunlin::actors {

namespace {

// What has been done up to now is being stored from now on.
void take_along(key_entry& key) {
    auto& activity = key.work();
    key.changed = false;
    key.committing = true;
    activity.recent.clear();
    if (key.recent) {
        const auto recent = key.recent->encoded();
        activity.recent.assign(recent.begin(), recent.end());
    }
    if (activity.leaving.empty()) activity.leaving_since_ns = activity.next_since_ns;
    activity.leaving.take(activity.next);
    if (auto* reruns = activity.reruns.get()) {
        std::move(reruns->next.begin(), reruns->next.end(), std::back_inserter(reruns->leaving));
        reruns->next.clear();
    }
    ++key.home->counted.commits;
}

// Of a relaxed space, in which calls have been answered already: nobody can be told that it is
// lost, so it stays, and is tried again.
void keep_in_doubt(key_entry& key, const state_write& write, space_aftermath& after) {
    auto& activity = key.work();
    key.version = write.expected;
    key.doubt = {};
    // Otherwise it has been found out by now what the store has.
    if (write.version != write.expected) key.doubt = {write.version, write.writer};
    key.changed = true;
    after.delayed.append(activity.leaving);
    activity.leaving.clear();
    if (activity.reruns) activity.reruns->leaving.clear();
    if (!key.queued && !key.awaited) after.queue(key, true);
}

void fill_in(state_write& write, const key_entry& key, bool present, std::int64_t expires_ms,
             const call_name& writer, std::uint32_t space, std::int64_t now_ms) {
    // Of a value that is made anew, larger than any that there was before it.
    constexpr std::int64_t us_per_ms = 1000;
    const auto anew = static_cast<std::uint64_t>(now_ms * us_per_ms);
    write.space = space;
    write.key = as_bytes(key.key);
    write.expected = key.version;
    write.version = key.version == 0 ? anew : key.version + 1;
    write.present = present;
    write.expires_ms = expires_ms;
    write.writer = writer;
    write.recent = key.active->recent;
    write.outcome = write_outcome::unknown;
    // Under the name of the first try, by which it is known if that was stored after all.
    if (key.doubt.version == 0) return;
    write.version = key.doubt.version;
    write.writer = key.doubt.writer;
}

// @returns whether there is a value. @pre no turn is in the way
result<bool> encode(std::unique_lock<std::mutex>& lock, key_entry& key, output_buffer& bytes) {
    auto& value = key.value;
    if (value.encoded_is_current()) {
        bytes.append(value.snapshot());
        return value.snapshot_present();
    }
    const auto begin = bytes.size;
    const bool cheap = value.cheap();
    if (!cheap) {
        // As one that reads, without the lock: it may be large.
        key.work().turns.share();
        lock.unlock();
    }
    auto present = value.encode(bytes);
    if (!cheap) {
        lock.lock();
        key.work().turns.leave();
    }
    if (present) value.take_snapshot(*present, bytes.view().subspan(begin));
    return present;
}

}  // namespace

void state_space::was_read(key_entry& key, result<stored_state> found) {
    aftermath after;
    hot_value value;
    std::unique_ptr<recent_calls> recent;
    if (found && !found->recent.empty()) {
        if (auto read = recent_calls::decode(found->recent))
            recent = std::make_unique<recent_calls>(std::move(*read));
        else
            found = std::move(read.error());
    }
    if (found) {
        value.assign(found->present, found->value);
        // Not with the lock. What does not fit is told to who wants it.
        static_cast<void>(value.object_of(*options_.type));
    }
    {
        const std::lock_guard lock(key.home->mutex);
        if (found) {
            key.what = key_entry::standing::known;
            key.version = found->version;
            key.expires_ms = found->expires_ms;
            key.writer = found->writer;
            key.value = std::move(value);
            key.recent = std::move(recent);
            if (sharing_) sharing_->was_read(key);
            go_on(key, nullptr, nullptr, after);
        } else {
            // All who wait are told; who asks again has it tried again.
            key.what = key_entry::standing::unread;
            const auto why = std::make_shared<const error>(
                error{errc::unavailable, "the state in space " + options_.name +
                                             " cannot be read: " + found.error().detail});
            auto& turns = key.work().turns;
            for (key_grant one; turns.grant(one); one = {}) {
                turns.leave();  // there is nothing to hold
                one.key = &key;
                one.failure = why;
                after.granted.push_back(std::move(one));
            }
            rest(key, after);
        }
    }
    settle(after);
}

// The one who takes keys to the store has come while a turn was in the way. Another turn will be,
// when it comes again, so it finds everything made.
void state_space::prepare(held_lock& lock, key_entry& key, aftermath& after) {
    output_buffer bytes;
    const auto& value = key.value;
    key.awaited = false;
    result<bool> present = false;
    if (value.encoded_is_current()) {
        bytes.append(value.snapshot());
        present = value.snapshot_present();
    } else if (value.cheap()) {
        present = value.encode(bytes);
    } else {
        lock.unlock();
        present = value.encode(bytes);
        lock.lock();
    }
    if (!present) {
        after.unstorable = present.error().detail;
        return refused(key, loss::failed, after);
    }
    auto& made = key.work().prepared;
    made.made = true;
    made.present = *present;
    made.expires_ms = key.expires_ms;
    made.writer = key.work().writer;
    made.value.assign(bytes.view().begin(), bytes.view().end());
    take_along(key);
    after.queue(key, relaxed());
    after.awaited = true;
}

bool state_space::begin_commit(key_entry& key, state_write& write, output_buffer& bytes) {
    aftermath after;
    bool begun = false;
    {
        held_lock lock(key.home->mutex);
        key.queued = false;
        auto& made = key.work().prepared;
        if (made.made) {
            made.made = false;
            bytes.append(made.value);
            begun = true;
            fill_in(write, key, made.present, made.expires_ms, made.writer, options_.number,
                    now_ms_());
        } else if (!key.changed) {
            rest(key, after);
        } else if (sharing_ && !sharing_->may_write(key)) {
            refused(key, loss::beaten, after);
        } else if (key.work().turns.held_alone() && !key.value.encoded_is_current()) {
            key.awaited = true;
        } else {
            key.queued = true;  // by nobody else meanwhile
            auto present = encode(lock, key, bytes);
            key.queued = false;
            if (present) {
                begun = true;
                take_along(key);
                fill_in(write, key, *present, key.expires_ms, key.work().writer, options_.number,
                        now_ms_());
                go_on(key, nullptr, nullptr, after);
            } else {
                after.unstorable = present.error().detail;
                refused(key, loss::failed, after);
            }
        }
    }
    settle(after);
    return begun;
}

// All that depends on it fails, or runs again, and the value is read again.
void state_space::refused(key_entry& key, loss why, aftermath& after) {
    auto& activity = key.work();
    if (sharing_) sharing_->lost(key, why, after);
    after.dead.append(activity.leaving);
    after.dead.append(activity.next);
    activity.leaving.clear();
    activity.next.clear();
    key.lost = true;
    key.changed = key.awaited = false;
    go_on(key, nullptr, nullptr, after);
}

void state_space::leave_gate(key_activity& activity) noexcept {
    if (activity.leaving.empty()) return;
    const auto waited_ns = key_activity::now_ns() - activity.leaving_since_ns;
    gate_waits_.record(waited_ns);
    // One thread at a time comes here.
    if (waited_ns > gate_ns_max_.load(std::memory_order_relaxed))
        gate_ns_max_.store(waited_ns, std::memory_order_relaxed);
}

void state_space::end_commit(key_entry& key, const state_write& write, held_replies& released) {
    aftermath after;
    {
        const std::lock_guard lock(key.home->mutex);
        key.committing = false;
        auto& activity = key.work();
        if (write.outcome == write_outcome::unknown && relaxed() && !key.lost) {
            keep_in_doubt(key, write, after);
        } else if (write.outcome != write_outcome::written) {
            const bool beaten = write.outcome == write_outcome::conflict;
            if (beaten) ++key.home->counted.conflicts;
            after.in_doubt = write.outcome == write_outcome::unknown;
            refused(key, beaten ? loss::beaten : loss::failed, after);
        } else {
            key.version = write.version;
            key.writer = write.writer;
            key.doubt = {};
            leave_gate(activity);
            auto* reruns = activity.reruns.get();
            if (reruns != nullptr) reruns->leaving.clear();
            // Another node may have read the key before this was written, and answer by that.
            const bool counts = !sharing_ || sharing_->counts(key);
            (counts ? released : after.doubtful).append(activity.leaving);
            activity.leaving.clear();
            if (key.changed && !key.queued) after.queue(key, relaxed());
            if (reruns != nullptr)
                go_on(key, nullptr, nullptr, after);  // some may have waited for just this
            else
                rest(key, after);
        }
    }
    settle(after);
}

}  // namespace dunlin::actors
