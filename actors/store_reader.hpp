// SPDX-License-Identifier: Apache-2.0
//
// Reads values that are not in memory, many at a time, on a thread of its own.
//
// Each key is asked for once, however many calls wait for it. Owned by `hot_state`; `add` from any
// thread.
#pragma once

#include "actors/key_entry.hpp"
#include "actors/state/state_store.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace dunlin::actors {

class store_reader {
public:
    explicit store_reader(state_store& store);
    ~store_reader();
    store_reader(const store_reader&) = delete;
    store_reader& operator=(const store_reader&) = delete;

    void add(key_entry& key);
    /// What has been asked for is read; what is asked for from now on is not.
    void end();

private:
    static constexpr std::size_t keys_max = 512;  // in one read

    void run();
    void read(std::vector<key_entry*>& keys, std::size_t from, std::size_t to);

    state_store& store_;
    std::mutex mutex_;
    std::condition_variable more_;
    std::vector<key_entry*> wanted_;
    bool asleep_ = false;
    bool ends_ = false;
    std::thread thread_;
};

}  // namespace dunlin::actors
