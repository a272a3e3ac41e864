// SPDX-License-Identifier: Apache-2.0
//
// Group commit: what the turns of many keys have changed goes to the store in one write.
//
// A thread of its own takes all keys that have changed since the last time, has the store write
// them, and lets the replies go that waited for that. While it waits for the disk others gather, so
// the busier a node is the more share one sync; nobody waits for a timer. A store that can do more
// than one write at a time has a thread for each. The next one begins when as many keys wait as are
// on their way, so that batches stay large, and no key is in two at once. What nobody waits for, in
// relaxed spaces, is written a while later (`write_behind`), by one of them. Owned by `hot_state`;
// `add`, `add_later` and `hurry` from any thread.
#pragma once

#include "actors/held_replies.hpp"
#include "actors/key_entry.hpp"
#include "actors/state/state_store.hpp"
#include "actors/state/write_behind.hpp"

#include <atomic>
#include <chrono>
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
    /// Told of each failure of the store; any thread.
    using complaint = std::function<void(const error& why)>;

    /// Before what has been written is acknowledged; any thread.
    using look = std::function<void()>;

    store_writer(state_store& store, write_behind::limits later, complaint complain,
                 look before_replies);
    ~store_writer();
    store_writer(const store_writer&) = delete;
    store_writer& operator=(const store_writer&) = delete;

    void add(key_entry& key);
    /// @param bytes that the key and its value take
    void add_later(key_entry& key, std::size_t bytes);
    /// What was added for later is written now.
    void hurry();
    /// Whether replies of relaxed spaces wait for the store.
    [[nodiscard]] bool behind() const noexcept {
        const auto from_ns = gate_from_ns_.load(std::memory_order_acquire);
        return from_ns != write_behind::never && now_ns() >= from_ns;
    }
    /// What has been added is written; what is added from now on is not.
    void end();
    /// Keys of relaxed spaces that the store has not taken. @pre it has ended
    [[nodiscard]] std::size_t unwritten();

    /// After a failed write: whether what it left unknown is there, by what the store has now.
    static void find_out(state_store& store, std::vector<state_write>& batch);

private:
    /// Keys of one write. A sync costs as much as some hundreds of them.
    static constexpr std::size_t keys_max = 4096;
    static constexpr std::size_t bytes_max = std::size_t{8} << 20;

    [[nodiscard]] static std::int64_t now_ns() noexcept {
        return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
    }
    /// What a thread writes before it looks again.
    struct round {
        std::vector<key_entry*> keys;
        bool later = false;   // among them what was added for later
        bool failed = false;  // the store, meanwhile
    };

    void run();
    /// Ends the last round and waits for something to write. @returns false when there is nothing
    /// and nothing will come.
    [[nodiscard]] bool gather(round& of);
    /// Whether what has changed fills a write beside those that are on their way. With the lock.
    [[nodiscard]] bool worth_a_write() const noexcept {
        return !changed_.empty() && (ends_ || changed_.size() >= keys_on_their_way_);
    }
    void sleep_until(std::int64_t due_ns, std::unique_lock<std::mutex>& lock);
    /// Ends the lock.
    void wake_by(std::int64_t due_ns, std::unique_lock<std::mutex>& lock);
    std::size_t write_some(round& of, std::size_t from);
    void look_again(std::vector<state_write>& batch, const std::vector<key_entry*>& written);

    state_store& store_;
    const complaint complain_;
    const look before_replies_;
    std::mutex mutex_;
    std::condition_variable more_;
    std::vector<key_entry*> changed_;
    std::vector<key_entry*> later_;
    write_behind behind_;
    std::atomic<std::int64_t> gate_from_ns_{write_behind::never};
    std::size_t keys_on_their_way_ = 0;
    bool writes_later_ = false;  // what was added for later is being written
    bool later_failed_ = false;  // the last time
    std::size_t asleep_ = 0;
    std::int64_t wakes_ns_ = write_behind::never;  // the one who has fallen asleep last
    bool called_ = false;                          // one of them, which has not woken yet
    bool ends_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace dunlin::actors
