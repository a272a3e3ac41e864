// SPDX-License-Identifier: Apache-2.0
//
// Group commit: what the turns of many keys have changed goes to the store in one write.
//
// A thread of its own takes all keys that have changed since the last time, has the store write
// them, and lets the replies go that waited for that. While it waits for the disk others gather, so
// the busier a node is the more share one sync; nobody waits for a timer. Owned by `hot_state`;
// `add` from any thread.
#pragma once

#include "actors/held_replies.hpp"
#include "actors/key_entry.hpp"
#include "actors/state/state_store.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace dunlin::actors {

class store_writer {
public:
    struct counters {
        std::atomic<std::uint64_t> writes{0};    // of the store, each with one sync
        std::atomic<std::uint64_t> keys{0};      // in them
        std::atomic<std::uint64_t> failures{0};  // writes
        std::atomic<std::int64_t> write_us_max{0};
    };
    /// Told of each failure of the store.
    using complaint = std::function<void(const error& why)>;

    store_writer(state_store& store, complaint complain);
    ~store_writer();
    store_writer(const store_writer&) = delete;
    store_writer& operator=(const store_writer&) = delete;

    void add(key_entry& key);
    /// What has been added is written; what is added from now on is not.
    void end();
    [[nodiscard]] const counters& counted() const noexcept { return counters_; }

private:
    /// Keys of one write. A sync costs as much as some hundreds of them.
    static constexpr std::size_t keys_max = 4096;
    static constexpr std::size_t bytes_max = std::size_t{8} << 20;

    void run();
    std::size_t write_some(std::vector<key_entry*>& keys, std::size_t from);
    void find_out(std::vector<state_write>& batch);

    state_store& store_;
    const complaint complain_;
    counters counters_;
    std::mutex mutex_;
    std::condition_variable more_;
    std::vector<key_entry*> changed_;
    bool asleep_ = false;
    bool ends_ = false;
    std::thread thread_;
};

}  // namespace dunlin::actors
