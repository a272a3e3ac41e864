// SPDX-License-Identifier: Apache-2.0
#include "actors/store_reader.hpp"

#include "actors/state_shard.hpp"
#include "actors/state_space.hpp"
#include "support/signal_mask.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::actors {

store_reader::store_reader(state_store& store) : store_(store) {
    const support::signals_blocked no_signals;
    thread_ = std::thread([this] { run(); });
}

store_reader::~store_reader() { end(); }

void store_reader::end() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    more_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void store_reader::add(key_entry& key) {
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        wanted_.push_back(&key);
        wake = std::exchange(asleep_, false);
    }
    if (wake) more_.notify_one();
}

void store_reader::run() {
    std::vector<key_entry*> keys;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            if (wanted_.empty() && !ends_) {
                asleep_ = true;
                more_.wait(lock, [this] { return !wanted_.empty() || ends_; });
                asleep_ = false;
            }
            if (wanted_.empty()) return;
            keys.clear();
            keys.swap(wanted_);
        }
        for (std::size_t from = 0; from < keys.size(); from += keys_max)
            read(keys, from, std::min(from + keys_max, keys.size()));
    }
}

void store_reader::read(std::vector<key_entry*>& keys, std::size_t from, std::size_t to) {
    std::vector<state_read> wanted;
    wanted.reserve(to - from);
    for (auto i = from; i < to; ++i)
        wanted.push_back({keys[i]->home->space->how().number, as_bytes(keys[i]->key), {}});
    const auto done = store_.read(wanted);
    for (auto i = from; i < to; ++i) {
        auto& space = *keys[i]->home->space;
        auto& seen = wanted[i - from];
        if (!done)
            space.was_read(*keys[i], done.error());
        else if (seen.failure)
            space.was_read(*keys[i], std::move(*seen.failure));
        else
            space.was_read(*keys[i], std::move(seen.found));
    }
}

}  // namespace dunlin::actors
