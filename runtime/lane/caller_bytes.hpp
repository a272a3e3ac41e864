// SPDX-License-Identifier: Apache-2.0
//
// How many bytes of a node's memory one caller holds, over all its connections and lanes.
//
// A caller is a key, on nodes that have keys, otherwise a connection. Its frames may outlive its
// last connection, and are let go by any thread, so its count lives as long as it has connections
// or holds something. Both are kept in one number: a frame costs one addition when it comes and one
// when it goes, on memory that no other caller uses, and nothing else keeps the count alive.
// Opened by lanes when a peer has said hello; thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace dunlin::runtime {

class caller_accounts;

class alignas(64) caller_bytes {
public:
    void add(std::size_t bytes) noexcept { users_and_bytes_.fetch_add(bytes); }
    /// May end it. @pre so much was added.
    void give_back(std::size_t bytes) noexcept {
        if (users_and_bytes_.fetch_sub(bytes) == bytes) end();
    }
    [[nodiscard]] std::size_t held() const noexcept {
        return users_and_bytes_.load(std::memory_order_relaxed) & (one_user - 1);
    }

    /// Ends the use of a count by a connection.
    struct closer {
        void operator()(caller_bytes* used) const noexcept { used->give_back(one_user); }
    };

private:
    friend class caller_accounts;

    /// 16 TiB for each caller, and a million connections.
    static constexpr std::uint64_t one_user = std::uint64_t{1} << 44;

    caller_bytes(caller_accounts* known_to, std::uint64_t caller) noexcept
        : known_to_(known_to),
          caller_(caller) {}
    ~caller_bytes() = default;
    /// @returns false when it has ended.
    [[nodiscard]] bool use_again() noexcept {
        auto now = users_and_bytes_.load();
        while (now != 0)
            if (users_and_bytes_.compare_exchange_weak(now, now + one_user)) return true;
        return false;
    }
    void end() noexcept;

    std::atomic<std::uint64_t> users_and_bytes_{one_user};
    caller_accounts* const known_to_;  // null: its connection is the only one
    const std::uint64_t caller_;
};

/// A connection's use of its caller's count.
using caller_bytes_use = std::unique_ptr<caller_bytes, caller_bytes::closer>;

class caller_accounts {
public:
    caller_accounts() = default;
    caller_accounts(const caller_accounts&) = delete;
    caller_accounts& operator=(const caller_accounts&) = delete;

    /// The count of the caller with that key; without one, of a connection by itself.
    [[nodiscard]] caller_bytes_use open(std::optional<std::uint64_t> key) {
        if (!key) return caller_bytes_use(new caller_bytes(nullptr, 0));
        const std::lock_guard lock(mutex_);
        auto& known = by_key_[*key];
        // One that is about to end finds that this is another one's place now.
        if (known == nullptr || !known->use_again()) known = new caller_bytes(this, *key);
        return caller_bytes_use(known);
    }
    [[nodiscard]] std::size_t keys() const {
        const std::lock_guard lock(mutex_);
        return by_key_.size();
    }

private:
    friend class caller_bytes;

    void ended(std::uint64_t key, const caller_bytes* which) noexcept {
        const std::lock_guard lock(mutex_);
        const auto found = by_key_.find(key);
        if (found != by_key_.end() && found->second == which) by_key_.erase(found);
    }

    mutable std::mutex mutex_;
    std::unordered_map<std::uint64_t, caller_bytes*> by_key_;
};

inline void caller_bytes::end() noexcept {
    if (known_to_ != nullptr) known_to_->ended(caller_, this);
    delete this;
}

}  // namespace dunlin::runtime
