// SPDX-License-Identifier: Apache-2.0
#include "runtime/state_task.hpp"

#include "actors/state_shard.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::runtime {

result<seen_state> state_task::run_in(actors::state_space& space, std::string_view key,
                                      std::shared_ptr<state_task> task,
                                      std::chrono::nanoseconds at_most) {
    space.operate(key, task, task->what_ != state_change::none);
    std::unique_lock lock(task->mutex_);
    // A call without a deadline waits as long as it takes.
    const auto over = [&] { return task->over_; };
    constexpr auto wait_max = std::chrono::hours(24);
    if (!task->ended_.wait_for(lock, std::min<std::chrono::nanoseconds>(at_most, wait_max), over))
        return error{errc::deadline_exceeded,
                     "the key's turn, or the store, took longer than the call has"};
    if (task->failed_) return *task->failed_;
    return std::move(task->seen_);
}

void state_task::run(actors::key_entry* key, const dunlin_state_type* type, const error* why,
                     actors::turns_done& done) {
    if (why != nullptr) return end(*why);
    actors::output_buffer encoded;
    const auto present = key->value.encode(encoded);
    if (!present) return end(present.error());
    seen_.present = *present;
    seen_.version = key->version;
    seen_.expires_ms = key->expires_ms;
    seen_.value.assign(encoded.view().begin(), encoded.view().end());
    if (what_ != state_change::none)
        if (auto applied = apply(*key, *type, done); !applied) return end(applied.error());
    // What it has seen may not be stored yet, as for every turn.
    self_ = shared_from_this();
    done.replies.add(*this, {}, bytes_view{});
}

result<void> state_task::apply(actors::key_entry& key, const dunlin_state_type& type,
                               actors::turns_done& done) {
    actors::hot_value made;
    if (what_ == state_change::set) {
        // Into another object first, so that what does not fit changes nothing.
        made.assign(true, value_);
        if (auto fits = made.object_of(type); !fits)
            return error{errc::invalid_argument,
                         "the value does not fit the state's type: " + fits.error().detail};
        const std::lock_guard lock(key.home->mutex);
        std::swap(key.value, made);  // what was there ends without the lock
    } else if (what_ == state_change::erase) {
        const std::lock_guard lock(key.home->mutex);
        key.value.erase();
    } else if (!seen_.present) {
        return error{errc::not_found, "there is no value under that key"};
    }
    done.changed = true;
    done.expiry_said = true;
    done.expires_ms = expires_ms_.value_or(0);
    done.encoded = key.value.encoded_is_current();
    return {};
}

void state_task::answer_value(actors::answer_address, actors::output_buffer&) { end({}); }
void state_task::answer_error(actors::answer_address, error why) { end(std::move(why)); }

void state_task::end(std::optional<error> why) {
    const auto kept = std::exchange(self_, nullptr);
    const std::lock_guard lock(mutex_);
    over_ = true;
    failed_ = std::move(why);
    ended_.notify_all();
}

}  // namespace dunlin::runtime
