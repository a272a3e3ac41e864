// SPDX-License-Identifier: Apache-2.0
#include "actors/store_writer.hpp"

#include "actors/state_shard.hpp"
#include "actors/state_space.hpp"
#include "support/signal_mask.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace dunlin::actors {

store_writer::store_writer(state_store& store, write_behind::limits later, complaint complain,
                           look before_replies)
    : store_(store),
      complain_(std::move(complain)),
      before_replies_(std::move(before_replies)),
      behind_(later) {
    const support::signals_blocked no_signals;
    try {
        for (auto left = store_.writes_at_once(); left != 0; --left)
            threads_.emplace_back([this] { run(); });
    } catch (...) {
        end();  // those that were made
        throw;
    }
}

store_writer::~store_writer() { end(); }

void store_writer::end() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    more_.notify_all();
    for (auto& each : threads_)
        if (each.joinable()) each.join();
}

std::size_t store_writer::unwritten() {
    const std::lock_guard lock(mutex_);
    return later_.size();
}

void store_writer::add(key_entry& key) {
    std::unique_lock lock(mutex_);
    changed_.push_back(&key);
    wake_by(worth_a_write() ? 0 : write_behind::never, lock);
}

void store_writer::add_later(key_entry& key, std::size_t bytes) {
    std::unique_lock lock(mutex_);
    later_.push_back(&key);
    behind_.changed(bytes, now_ns());
    gate_from_ns_.store(behind_.gate_from_ns(), std::memory_order_release);
    wake_by(behind_.due_ns(), lock);
}

void store_writer::hurry() {
    std::unique_lock lock(mutex_);
    behind_.hurry();
    wake_by(behind_.due_ns(), lock);
}

// Without the lock, which the writer takes first when it is awake: it would sleep again until it is
// free, and that is the time of a call.
void store_writer::wake_by(std::int64_t due_ns, std::unique_lock<std::mutex>& lock) {
    const bool sooner = asleep_ != 0 && !called_ && due_ns < wakes_ns_;
    if (sooner) called_ = true;
    lock.unlock();
    if (sooner) more_.notify_one();
}

void store_writer::sleep_until(std::int64_t due_ns, std::unique_lock<std::mutex>& lock) {
    ++asleep_;
    wakes_ns_ = due_ns;
    const auto woken = [this] { return called_ || ends_; };
    if (due_ns == write_behind::never)
        more_.wait(lock, woken);
    else
        more_.wait_for(lock, std::chrono::nanoseconds(due_ns - now_ns()), woken);
    --asleep_;
    called_ = false;
    wakes_ns_ = write_behind::never;  // it is not known of the others: whatever comes wakes one
}

bool store_writer::gather(round& of) {
    std::unique_lock lock(mutex_);
    keys_on_their_way_ -= of.keys.size();
    if (of.later) {
        behind_.ended(of.failed, now_ns());
        gate_from_ns_.store(behind_.gate_from_ns(), std::memory_order_release);
        writes_later_ = false;
        later_failed_ = of.failed;
    }
    for (;;) {
        // At the end all is tried once more, and what the store does not take then is lost. What is
        // under way is seen to by the thread that has it.
        const bool given_up = ends_ && later_failed_;
        if (changed_.empty() && ends_ && (later_.empty() || given_up || writes_later_))
            return false;
        auto due_ns = ends_ && !later_.empty() ? 0 : behind_.due_ns();
        if (writes_later_) due_ns = write_behind::never;
        of.later = due_ns <= now_ns();
        if (worth_a_write() || of.later) break;
        sleep_until(due_ns, lock);
    }
    of.keys.clear();
    of.keys.swap(changed_);
    of.failed = false;
    if (of.later) {
        of.keys.insert(of.keys.end(), later_.begin(), later_.end());
        later_.clear();
        writes_later_ = true;
        behind_.begins();
    }
    keys_on_their_way_ += of.keys.size();
    return true;
}

void store_writer::run() {
    for (round mine; gather(mine);)
        for (std::size_t from = 0; from < mine.keys.size();) from = write_some(mine, from);
}

// @returns the first key that has not been seen to.
std::size_t store_writer::write_some(round& of, std::size_t from) {
    const auto& keys = of.keys;
    std::vector<state_write> batch;
    std::vector<key_entry*> written;
    std::vector<std::size_t> begins;
    output_buffer bytes;
    auto at = from;
    for (; at < keys.size() && batch.size() < keys_max && bytes.size < bytes_max; ++at) {
        state_write write;
        const auto begin = bytes.size;
        if (!keys[at]->home->space->begin_commit(*keys[at], write, bytes)) {
            bytes.size = begin;
            continue;
        }
        batch.push_back(write);
        written.push_back(keys[at]);
        begins.push_back(begin);
    }
    if (batch.empty()) return at;
    begins.push_back(bytes.size);
    for (std::size_t i = 0; i < batch.size(); ++i)
        batch[i].value = bytes.view().subspan(begins[i], begins[i + 1] - begins[i]);
    auto done = store_.write(batch);
    if (!done) {
        of.failed = true;
        complain_(done.error());
        find_out(store_, batch);
    }
    look_again(batch, written);
    before_replies_();
    held_replies released;
    std::vector<state_space*> spaces;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        auto& space = *written[i]->home->space;
        if (spaces.empty() || spaces.back() != &space)
            if (std::find(spaces.begin(), spaces.end(), &space) == spaces.end())
                spaces.push_back(&space);
        space.end_commit(*written[i], batch[i], released);
    }
    for (auto* each : spaces) each->end_batch(!done);
    released.send();
    return at;
}

// The store has failed, and may have written all the same: what is there now says whether it has.
void store_writer::find_out(state_store& store, std::vector<state_write>& batch) {
    std::vector<state_read> wanted;
    for (const auto& each : batch)
        if (each.outcome == write_outcome::unknown) wanted.push_back({each.space, each.key, {}});
    if (wanted.empty() || !store.read(wanted)) return;
    auto seen = wanted.begin();
    for (auto& each : batch) {
        if (each.outcome != write_outcome::unknown) continue;
        const auto& there = *seen++;
        if (there.failure) continue;
        // Where others write, too, one of them may have written over it since.
        if (there.found.version == each.version && there.found.writer == each.writer)
            each.outcome = write_outcome::written;
        else if (!store.shared())
            each.outcome = write_outcome::conflict;
    }
}

// What a relaxed space keeps after a failure may meet its own write that was stored after all; and
// where nobody else writes it is right, whatever the store has.
void store_writer::look_again(std::vector<state_write>& batch,
                              const std::vector<key_entry*>& written) {
    std::vector<state_read> wanted;
    std::vector<std::size_t> of;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto& key = *written[i];
        if (batch[i].outcome != write_outcome::conflict || !key.home->space->relaxed()) continue;
        if (store_.shared() && key.doubt.version == 0) continue;
        wanted.push_back({batch[i].space, batch[i].key, {}});
        of.push_back(i);
    }
    if (wanted.empty()) return;
    const bool known = bool(store_.read(wanted));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        auto& each = batch[of[i]];
        const auto& found = wanted[i].found;
        const auto& doubt = written[of[i]]->doubt;
        if (known && store_.shared() &&
            (found.version != doubt.version || found.writer != doubt.writer))
            continue;
        each.outcome = write_outcome::unknown;
        if (known) each.expected = each.version = found.version;
    }
}

}  // namespace dunlin::actors
