// SPDX-License-Identifier: Apache-2.0
#include "actors/store_writer.hpp"

#include "actors/state_shard.hpp"
#include "actors/state_space.hpp"
#include "support/signal_mask.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace dunlin::actors {

store_writer::store_writer(state_store& store, std::mutex& writes, write_behind::limits later,
                           complaint complain, look before_replies)
    : store_(store),
      writes_(writes),
      complain_(std::move(complain)),
      before_replies_(std::move(before_replies)),
      behind_(later) {
    const support::signals_blocked no_signals;
    thread_ = std::thread([this] { run(); });
}

store_writer::~store_writer() { end(); }

void store_writer::end() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    more_.notify_one();
    if (thread_.joinable()) thread_.join();
}

std::size_t store_writer::unwritten() {
    const std::lock_guard lock(mutex_);
    return later_.size();
}

void store_writer::add(key_entry& key) {
    std::unique_lock lock(mutex_);
    changed_.push_back(&key);
    wake_by(0, lock);
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
    const bool sooner = due_ns < sleeps_until_ns_;
    if (sooner) sleeps_until_ns_ = 0;
    lock.unlock();
    if (sooner) more_.notify_one();
}

bool store_writer::gather(std::vector<key_entry*>& keys, bool& later) {
    std::unique_lock lock(mutex_);
    if (later) {
        behind_.ended(failed_, now_ns());
        gate_from_ns_.store(behind_.gate_from_ns(), std::memory_order_release);
    }
    for (;;) {
        // At the end all is tried once more, and what the store does not take then is lost.
        const bool given_up = ends_ && failed_;
        if (changed_.empty() && ends_ && (later_.empty() || given_up)) return false;
        const auto due_ns = ends_ && !later_.empty() ? 0 : behind_.due_ns();
        later = due_ns <= now_ns();
        if (!changed_.empty() || later) break;
        sleeps_until_ns_ = due_ns;
        const auto woken = [this] { return sleeps_until_ns_ == 0 || ends_; };
        if (due_ns == write_behind::never)
            more_.wait(lock, woken);
        else
            more_.wait_for(lock, std::chrono::nanoseconds(due_ns - now_ns()), woken);
        sleeps_until_ns_ = 0;
    }
    keys.clear();
    keys.swap(changed_);
    failed_ = false;
    if (!later) return true;
    keys.insert(keys.end(), later_.begin(), later_.end());
    later_.clear();
    behind_.begins();
    return true;
}

void store_writer::run() {
    std::vector<key_entry*> keys;
    for (bool later = false; gather(keys, later);)
        for (std::size_t from = 0; from < keys.size();) from = write_some(keys, from);
}

// @returns the first key that has not been seen to.
std::size_t store_writer::write_some(std::vector<key_entry*>& keys, std::size_t from) {
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
    auto done = [&] {
        const std::lock_guard lock(writes_);
        return store_.write(batch);
    }();
    if (!done) {
        failed_ = true;
        complain_(done.error());
        find_out(store_, batch);
    }
    look_again(batch, written);
    before_replies_();
    held_replies released;
    std::vector<state_space*> of;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        auto& space = *written[i]->home->space;
        if (of.empty() || of.back() != &space)
            if (std::find(of.begin(), of.end(), &space) == of.end()) of.push_back(&space);
        space.end_commit(*written[i], batch[i], released);
    }
    for (auto* each : of) each->end_batch(!done);
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
