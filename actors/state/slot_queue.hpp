// SPDX-License-Identifier: Apache-2.0
//
// Queues through the entries of a cache, as a replacement policy sees them: a slot and 20 bytes.
//
// A policy moves entries between queues all the time and takes them out of the middle. Here a queue
// is a list through nodes that lie apart from the entries themselves, by the numbers of their
// slots: no allocation to move one, and looking at the oldest ones touches no entry. Nodes come in
// blocks, so that growing never copies what is there while a lock is held. Blocks are kept.
//
// Plain values; one thread at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace dunlin::actors {

/// An entry's number in its cache: small, dense, used again when the entry is gone.
using cache_slot = std::uint32_t;
inline constexpr cache_slot no_slot = std::numeric_limits<cache_slot>::max();

struct slot_node {
    cache_slot before = no_slot;
    cache_slot after = no_slot;
    std::uint32_t bytes = 0;
    std::uint32_t fingerprint = 0;  // of the key
    // What the rest is for is the policy's affair, but for the queue: 0 means that it is in none.
    std::uint32_t stamp : 27 = 0;
    std::uint32_t count : 3 = 0;
    std::uint32_t queue : 2 = 0;
};
static_assert(sizeof(slot_node) == 20);

class slot_nodes {
public:
    /// Makes nodes up to this one. If it throws, nothing has changed.
    void reach(cache_slot slot) {
        while (slot / block_nodes >= blocks_.size()) blocks_.push_back(std::make_unique<block>());
    }
    /// @pre reached
    [[nodiscard]] slot_node& operator[](cache_slot slot) noexcept {
        return (*blocks_[slot / block_nodes])[slot % block_nodes];
    }
    [[nodiscard]] const slot_node& operator[](cache_slot slot) const noexcept {
        return (*blocks_[slot / block_nodes])[slot % block_nodes];
    }
    /// Whether the slot is in a queue.
    [[nodiscard]] bool in_use(cache_slot slot) const noexcept {
        return slot / block_nodes < blocks_.size() && (*this)[slot].queue != 0;
    }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return blocks_.size() * sizeof(block) + blocks_.capacity() * sizeof(blocks_[0]);
    }

private:
    static constexpr std::size_t block_nodes = 1024;
    using block = std::array<slot_node, block_nodes>;
    std::vector<std::unique_ptr<block>> blocks_;
};

/// The oldest first. It is handed the nodes that it goes through.
class slot_queue {
public:
    /// @param name what `slot_node::queue` is for those in here; not 0.
    explicit slot_queue(std::uint32_t name) noexcept : name_(name) {}

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::uint32_t name() const noexcept { return name_; }
    /// `no_slot` when it is empty.
    [[nodiscard]] cache_slot oldest() const noexcept { return first_; }

    void push(slot_nodes& in, cache_slot slot) noexcept {
        auto& node = in[slot];
        node.before = last_;
        node.after = no_slot;
        node.queue = name_ & 3U;
        (last_ == no_slot ? first_ : in[last_].after) = slot;
        last_ = slot;
        ++size_;
        bytes_ += node.bytes;
    }
    /// @pre the slot is in this queue.
    void remove(slot_nodes& in, cache_slot slot) noexcept {
        auto& node = in[slot];
        (node.before == no_slot ? first_ : in[node.before].after) = node.after;
        (node.after == no_slot ? last_ : in[node.after].before) = node.before;
        node.queue = 0;
        --size_;
        bytes_ -= node.bytes;
    }
    /// It becomes the youngest. @pre the slot is in this queue.
    void renew(slot_nodes& in, cache_slot slot) noexcept {
        if (slot == last_) return;
        remove(in, slot);
        push(in, slot);
    }
    /// @pre the slot is in this queue.
    void resize(slot_nodes& in, cache_slot slot, std::uint32_t bytes) noexcept {
        auto& node = in[slot];
        bytes_ += bytes;
        bytes_ -= node.bytes;
        node.bytes = bytes;
    }

private:
    cache_slot first_ = no_slot;
    cache_slot last_ = no_slot;
    std::size_t size_ = 0;
    std::size_t bytes_ = 0;
    std::uint32_t name_;
};

/// What a node can say of an entry's size: 4 GiB is the most.
[[nodiscard]] inline std::uint32_t node_bytes(std::size_t bytes) noexcept {
    return static_cast<std::uint32_t>(
        std::min<std::size_t>(bytes, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace dunlin::actors
