// SPDX-License-Identifier: Apache-2.0
#include "actors/state_space.hpp"

#include "actors/pool.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <random>
#include <span>
#include <utility>

namespace dunlin::actors {

namespace {

std::uint64_t drawn() {
    std::random_device random;
    return (std::uint64_t{random()} << 32) | random();
}

constexpr std::chrono::milliseconds pause_when_full{10};

// It is never run: its place at a key, if it has one, is that of a call that was stopped.
void answer_refused(invocation& call, error why) {
    call.stop.request(why.code);
    why.did_not_run = true;
    call.origin->answer_error(call.address, std::move(why));
}

// The store came for the value while a turn was in the way. It can have it now, and does not wait
// for the end of that turn: there may be none, or one that waits for the store.
void call_back(key_entry& key, bool later, space_aftermath& after) {
    if (!std::exchange(key.awaited, false)) return;
    if (key.changed && !key.committing && !key.queued) after.queue(key, later);
}

// The shards share one budget: one with nothing to take out may have a key all the same. The lock
// of one shard is held, so that of another is taken only if it is free.
void evict_from_others(std::span<state_shard> all, const state_shard& own,
                       std::vector<hot_value>& out) {
    const auto from = static_cast<std::size_t>(&own - all.data());
    for (std::size_t i = 1; i < all.size() && own.memory->overfull(); ++i) {
        auto& other = all[(from + i) % all.size()];
        const std::unique_lock lock(other.mutex, std::try_to_lock);
        if (lock.owns_lock()) other.evict(out);
    }
}

}  // namespace

state_space::state_space(options how, store_traffic* traffic, wall_clock_ms now_ms)
    : options_(std::move(how)),
      traffic_(options_.mode == DUNLIN_STATE_EPHEMERAL || options_.type == nullptr ? nullptr
                                                                                   : traffic),
      now_ms_(now_ms),
      seed_(options_.hash_seed == 0 ? drawn() : options_.hash_seed) {
    memory_.bytes_max = options_.bytes_max;
    for (auto& each : shards_) {
        each.space = this;
        each.memory = &memory_;
        each.set_budget(options_.bytes_max / shard_count);
    }
}

state_space::~state_space() = default;

state_space::status state_space::look() const {
    status all;
    for (auto& each : shards_) {
        const std::lock_guard lock(each.mutex);
        all.keys += each.keys();
        all.bytes += each.bytes();
        all.waiting += each.waiting;
        all.counted.missed += each.counted.missed;
        all.counted.found += each.counted.found;
        all.counted.reads += each.counted.reads;
        all.counted.evicted += each.counted.evicted;
        all.counted.turns += each.counted.turns;
        all.counted.commits += each.counted.commits;
        all.counted.conflicts += each.counted.conflicts;
        all.counted.offered += each.counted.offered;
        all.counted.taken += each.counted.taken;
    }
    all.batches = batches_.load(std::memory_order_relaxed);
    all.batches_failed = batches_failed_.load(std::memory_order_relaxed);
    all.gate_ns_max = gate_ns_max_.load(std::memory_order_relaxed);
    const std::lock_guard lock(why_mutex_);
    all.refused = why_refused_;
    return all;
}

// Without a lock: others' code runs in here.
void state_space::settle(aftermath& after) {
    after.now.send();
    if (!after.dead.empty())
        after.dead.fail(
            {errc::unavailable,
             !after.unstorable.empty()
                 ? "what a call has changed in space " + options_.name +
                       " cannot be stored, and the state is as it was before: " + after.unstorable
             : !after.in_doubt
                 ? "the store did not take what a call has changed in space " + options_.name +
                       "; the state is as it was before"
                 : "the store has failed while a call's changes in space " + options_.name +
                       " were on their way to it; they are lost, or will be found there"});
    if (sharing_) sharing_->tell(after);
    if (!after.delayed.empty())
        after.delayed.fail(
            {errc::unavailable, "the store does not take now what the call has changed in space " +
                                    options_.name + ", which stays in memory until it does"});
    if (after.write != nullptr) {
        if (relaxed() && !after.awaited)
            traffic_->write_later(*after.write, after.write_bytes);
        else
            traffic_->write_soon(*after.write);
    } else if (after.awaited && relaxed()) {
        traffic_->hurry();
    }
    if (after.read != nullptr) traffic_->read_soon(*after.read);
    for (auto& each : after.granted) {
        if (each.task) {
            run_task(std::move(each));
        } else {
            auto& to = *each.of;
            to.resume(std::move(each));
        }
    }
}

// -- turns ---------------------------------------------------------------------------------------

// A function with objects of a type that is not the space's turns the value into one, and back.
bool state_space::takes_alone(const pool& of) const {
    const auto& info = of.info();
    return info.writes_state || info.state != options_.type || options_.type == nullptr;
}

bool state_space::refuse(std::string why) {
    const std::lock_guard lock(why_mutex_);
    const bool before = refuses_.exchange(!why.empty());
    why_refused_ = std::move(why);
    return before;
}

state_space::arrivals state_space::refuse_all(bundle& work) const {
    error why{errc::unavailable, {}};
    {
        const std::lock_guard lock(why_mutex_);
        why.detail = why_refused_;
    }
    // That it did not run is not told in a way that others act on: they would wait for another
    // owner of the key before they tell it.
    for (std::uint32_t i = 0; i < work.size(); ++i) {
        work[i].stop.request(why.code);
        work[i].origin->answer_error(work[i].address, why);
    }
    return {0, work.size()};
}

state_space::arrivals state_space::arrive(pool& of, const bundle_ptr& work) {
    if (refuses_.load(std::memory_order_relaxed)) [[unlikely]]
        return refuse_all(*work);
    const arriving who{of, takes_alone(of), of.info().async() || of.info().blocking(),
                       sharing_ ? sharing_->now_ns() : 0};
    arrivals come;
    aftermath after;
    for (std::uint32_t i = 0; i < work->size(); ++i) {
        auto& call = (*work)[i];
        if (call.key.empty()) {
            ++come.refused;
            answer_refused(
                call, {errc::invalid_argument,
                       of.info().name + " works with state under a key, and the call has none; "
                                        "give it one (call_options::key, --key)"});
            continue;
        }
        switch (come_to_key(who, work, i, after)) {
            case arrival::holds: ++come.hold; break;
            case arrival::waits: break;
            case arrival::crowded:
                ++come.refused;
                answer_refused(call, {errc::overloaded,
                                      "as many calls wait for their turn at this key of space " +
                                          options_.name + " as may (state.waiting_max): " +
                                          std::to_string(options_.waiting_max),
                                      pause_when_full});
                break;
            case arrival::no_room:
                ++come.refused;
                answer_refused(call,
                               {errc::overloaded,
                                "all values of space " + options_.name +
                                    " that are in memory are in use or on their way to the store, "
                                    "and there is room for no other (state.cache_bytes_max)",
                                pause_when_full});
                break;
        }
        if (auto* read = std::exchange(after.read, nullptr)) traffic_->read_soon(*read);
        if (!after.granted.empty() || !after.waiting.empty()) {
            auto now = std::exchange(after, {});
            settle(now);
        }
    }
    return come;
}

state_space::arrival state_space::come_to_key(const arriving& who, const bundle_ptr& work,
                                              std::uint32_t index, aftermath& after) {
    auto& call = (*work)[index];
    const auto text = as_text(call.key);
    const auto hash = key_hash(text, seed_);
    auto& shard = shard_of(hash);
    const std::lock_guard lock(shard.mutex);
    auto* key = shard.find(hash, text);
    if (key == nullptr) {
        ++shard.counted.missed;
        key = &shard.add(hash, text);
        if (traffic_ == nullptr) key->what = key_entry::standing::known;
        if (sharing_) shared_keys::place(*key);
        shard.lend_activity(*key);
        shard.evict(after.evicted);
        if (memory_.overfull()) evict_from_others(shards_, shard, after.evicted);
        // All that could leave has left: those that are in use, or on their way to the store, have
        // to get on first.
        if (memory_.overfull()) {
            rest(*key, after);
            return arrival::no_room;
        }
    } else {
        ++(key->what == key_entry::standing::known ? shard.counted.found : shard.counted.missed);
        shard.touched(*key);
        shard.lend_activity(*key);
    }
    if (sharing_) shared_keys::lend(*key);
    if (key->what == key_entry::standing::known && !key->lost &&
        (!sharing_ || sharing_->may_enter(*key, who.now_ns)) &&
        key->work().turns.enter(who.writes)) {
        call.turn_stored = !key->changed && !key->committing;
        call.turn_object = key->value.object(who.of.info().state);
        call.turn = key;
        return arrival::holds;
    }
    const bool waits =
        wait(*key, {&who.of, {work, index}, who.writes, who.alone, {}, who.now_ns}, after);
    return waits ? arrival::waits : arrival::crowded;
}

void state_space::read(key_entry& key, aftermath& after) {
    key.what = key_entry::standing::reading;
    ++key.home->counted.reads;
    after.read = &key;
    if (sharing_) sharing_->reads(key);
}

// @returns false when too many do already.
bool state_space::wait(key_entry& key, key_turns::waiter who, aftermath& after) {
    auto& turns = key.work().turns;
    if (turns.waiting() >= options_.waiting_max) turns.drop_stopped();
    if (turns.waiting() >= options_.waiting_max) return false;
    turns.wait(std::move(who));
    if (sharing_)
        go_on(key, nullptr, nullptr, after);
    else if (key.what == key_entry::standing::unread && !turns.held())
        read(key, after);
    return true;
}

void state_space::withdraw(bundle& work) {
    for (std::uint32_t i = 0; i < work.size(); ++i) {
        auto& call = work[i];
        call.stop.request(errc::overloaded);
        auto* key = std::exchange(call.turn, nullptr);
        if (key == nullptr) continue;
        aftermath after;
        {
            const std::lock_guard lock(key->home->mutex);
            key->work().turns.leave();
            call_back(*key, relaxed(), after);
            go_on(*key, nullptr, nullptr, after);
        }
        settle(after);
    }
}

key_grant state_space::grant_of(pool& of, const bundle_ptr& work, std::uint32_t index,
                                std::vector<turn> memory) {
    auto& call = (*work)[index];
    key_grant held;
    held.of = &of;
    held.key = std::exchange(call.turn, nullptr);
    held.object = call.turn_object;
    held.stored = call.turn_stored;
    held.turns = std::move(memory);
    held.turns.push_back({work, index});
    return held;
}

// The store forgets it by itself. While others read it, it is there a little longer.
void state_space::forget_if_expired(key_entry& key) const {
    if (key.expires_ms == 0 || now_ms_() < key.expires_ms || key.committing ||
        !key.work().turns.held_by_one())
        return;
    key.value.erase();
    key.expires_ms = 0;
}

result<void*> state_space::object(key_grant& held) {
    auto& key = *held.key;
    const auto& type = *held.of->info().state;
    if (held.object != nullptr && key.expires_ms == 0) return held.object;
    // With the lock, because others may read the value now, too.
    const std::lock_guard lock(key.home->mutex);
    forget_if_expired(key);
    auto object = key.value.object_of(type);
    if (!object)
        return error{errc::failed, "the state under key \"" + key.key + "\" of space " +
                                       options_.name + " does not fit what " +
                                       held.of->info().name + " wants: " + object.error().detail};
    return held.object = *object;
}

result<void> state_space::protect(const key_grant& held) {
    auto& key = *held.key;
    auto& activity = key.work();
    if (key.value.cheap()) {
        const auto* type = held.of->info().state;
        if (activity.spare_type != type) {
            if (activity.spare != nullptr) activity.spare_type->destroy(activity.spare);
            activity.spare = type->create();
            activity.spare_type = activity.spare == nullptr ? nullptr : type;
        }
        if (activity.spare != nullptr) {
            // One that may take long is not to be in the way of what has been done before it.
            const bool quick = !held.of->info().async() && !held.of->info().blocking();
            if (auto copied = key.value.protect(activity.spare); !copied || quick) return copied;
        }
    }
    if (key.value.encoded_is_current()) return {};
    // Without the lock, which only the hand-over needs: it may be large.
    output_buffer encoded;
    const auto present = key.value.encode(encoded);
    if (!present) return present.error();
    aftermath after;
    {
        const std::lock_guard lock(key.home->mutex);
        key.value.take_snapshot(*present, encoded.view());
        call_back(key, relaxed(), after);
    }
    settle(after);
    return {};
}

void state_space::undo(key_grant& held) {
    auto& key = *held.key;
    const std::lock_guard lock(key.home->mutex);
    key.value.undo(key.work().spare);
    held.object = key.value.object(held.of->info().state);
}

void state_space::note(key_entry& key, turns_done& done, aftermath& after) {
    auto& activity = key.work();
    key.home->counted.turns += done.calls;
    auto* reruns = activity.reruns.get();
    if (reruns != nullptr && !done.again.empty())
        std::move(done.again.begin(), done.again.end(), std::back_inserter(reruns->again));
    if (key.lost) {
        if (reruns != nullptr && reruns->lost_to_others)
            sharing_->take_back(key, done.ran, done.replies, after);
        after.dead.append(done.replies);
        return done.clear();
    }
    if (done.changed) {
        if (!done.encoded) key.value.changed();
        key.changed = traffic_ != nullptr;
        activity.writer = done.writer;
        key.remember(done.recent);
        if (done.expiry_said) key.expires_ms = done.expires_ms;
    }
    if (!done.replies.empty()) {
        if (reruns != nullptr && (key.changed || key.committing)) {
            auto& waits = key.changed ? reruns->next : reruns->leaving;
            std::move(done.ran.begin(), done.ran.end(), std::back_inserter(waits));
        }
        if (key.changed)
            activity.held_next().take(done.replies);
        else if (key.committing)
            activity.held_leaving().append(done.replies);
        else
            after.now.append(done.replies);
    }
    if (key.changed && !done.replies.empty()) after.awaited = true;
    if (key.changed && !key.committing && !key.queued && !key.awaited) after.queue(key, relaxed());
    done.clear();
}

void state_space::commit(key_grant& held, turns_done& done) {
    auto& key = *held.key;
    output_buffer encoded;
    const auto present = key.value.encode(encoded);
    aftermath after;
    {
        const std::lock_guard lock(key.home->mutex);
        if (present) {
            key.value.take_snapshot(*present, encoded.view());
            done.encoded = true;
            note(key, done, after);
        } else {
            note(key, done, after);
            after.unstorable = present.error().detail;
            refused(key, loss::failed, after);
        }
    }
    settle(after);
    if (present && key.value.cheap()) static_cast<void>(protect(held));
}

key_grant state_space::finish(key_grant&& held, turns_done& done) {
    auto& key = *held.key;
    const auto* type = held.of == nullptr ? options_.type : held.of->info().state;
    aftermath after;
    key_grant next;
    next.turns = std::move(held.turns);
    next.turns.clear();
    {
        held_lock lock(key.home->mutex);
        note(key, done, after);
        if (key.awaited && key.changed) prepare(lock, key, after);
        // Back to what all others work with. What does not fit is said to who wants it next.
        if (type != nullptr && type != options_.type)
            static_cast<void>(key.value.object_of(*options_.type));
        key.work().turns.leave();
        go_on(key, held.of, &next, after);
    }
    settle(after);
    return next;
}

// The key goes to those whose turn it is.
void state_space::go_on(key_entry& key, pool* own, key_grant* next, aftermath& after) {
    auto& turns = key.work().turns;
    if (key.lost && !turns.held()) key.drop_value();
    const bool shared = sharing_ != nullptr;
    if (shared) shared_keys::wait_again(key, after);
    if (shared && !sharing_->may_grant(key)) return rest(key, after);
    if (key.what == key_entry::standing::known && !key.lost) {
        // Those who have come since the value was read, where that counts, have it read again.
        const auto came_by_ns =
            shared && key.epoch == 0 ? key.work().reruns->confirmed_ns : key_turns::whenever;
        key_grant one;
        if (next != nullptr) one.turns.swap(next->turns);
        while (turns.grant(one, came_by_ns)) {
            one.key = &key;
            one.confirmed = shared && key.epoch == 0;
            one.stored = !key.changed && !key.committing;
            if (one.of != nullptr) one.object = key.value.object(one.of->info().state);
            if (next != nullptr && next->key == nullptr && one.of != nullptr && one.of == own)
                *next = std::move(one);
            else
                after.granted.push_back(std::move(one));
            one = {};
        }
        if (next != nullptr && next->key == nullptr) next->turns.swap(one.turns);
    } else if (key.what == key_entry::standing::unread && turns.waiting() != 0) {
        read(key, after);
    }
    rest(key, after);
}

// A key that nothing is to be done with gives its activity back.
void state_space::rest(key_entry& key, aftermath& after) {
    if (!key.active || !key.work().turns.idle() || key.changed || key.committing || key.queued ||
        key.what == key_entry::standing::reading)
        return;
    auto& shard = *key.home;
    if (sharing_ && sharing_->rights().decided(key.partition) == key_right::foreign)
        key.drop_value();
    // The next key that it is lent to was not read then.
    if (auto* reruns = key.work().reruns.get()) reruns->confirmed_ns = 0;
    shard.weigh(key);
    shard.take_activity_back(key);
    shard.evict(after.evicted);
}

}  // namespace dunlin::actors
