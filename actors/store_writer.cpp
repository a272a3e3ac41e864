// SPDX-License-Identifier: Apache-2.0
#include "actors/store_writer.hpp"

#include "actors/state_shard.hpp"
#include "actors/state_space.hpp"
#include "support/signal_mask.hpp"

#include <chrono>
#include <utility>

namespace dunlin::actors {

store_writer::store_writer(state_store& store, complaint complain)
    : store_(store),
      complain_(std::move(complain)) {
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

void store_writer::add(key_entry& key) {
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        changed_.push_back(&key);
        wake = std::exchange(asleep_, false);
    }
    if (wake) more_.notify_one();
}

void store_writer::run() {
    std::vector<key_entry*> keys;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            if (changed_.empty() && !ends_) {
                asleep_ = true;
                more_.wait(lock, [this] { return !changed_.empty() || ends_; });
                asleep_ = false;
            }
            if (changed_.empty()) return;
            keys.clear();
            keys.swap(changed_);
        }
        for (std::size_t from = 0; from < keys.size();) from = write_some(keys, from);
    }
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
    const auto began = std::chrono::steady_clock::now();
    auto done = store_.write(batch);
    const auto took_us = (std::chrono::steady_clock::now() - began) / std::chrono::microseconds(1);
    counters_.writes.fetch_add(1, std::memory_order_relaxed);
    counters_.keys.fetch_add(batch.size(), std::memory_order_relaxed);
    if (took_us > counters_.write_us_max.load(std::memory_order_relaxed))
        counters_.write_us_max.store(took_us, std::memory_order_relaxed);
    if (!done) {
        counters_.failures.fetch_add(1, std::memory_order_relaxed);
        complain_(done.error());
        find_out(batch);
    }
    held_replies released;
    for (std::size_t i = 0; i < batch.size(); ++i)
        written[i]->home->space->end_commit(*written[i], batch[i], released);
    released.send();
    return at;
}

// The store has failed, and may have written all the same: what is there now says whether it has.
void store_writer::find_out(std::vector<state_write>& batch) {
    std::vector<state_read> wanted;
    for (const auto& each : batch)
        if (each.outcome == write_outcome::unknown) wanted.push_back({each.space, each.key, {}});
    if (wanted.empty() || !store_.read(wanted)) return;
    auto seen = wanted.begin();
    for (auto& each : batch) {
        if (each.outcome != write_outcome::unknown) continue;
        const auto& found = (seen++)->found;
        each.outcome = found.version == each.version && found.writer == each.writer
                           ? write_outcome::written
                           : write_outcome::conflict;
    }
}

}  // namespace dunlin::actors
