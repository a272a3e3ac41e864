// SPDX-License-Identifier: Apache-2.0
//
// The C ABI's growing buffer, with an owner: what functions and the runtime encode into.
//
// The memory comes from the block cache and can be given up to ZeroMQ, which frees it after
// sending, so that a large payload is never copied. With `Headroom` that many bytes in front of the
// content stay free, for an envelope that is known only when the content is. Growth stops at a
// limit, which is how the size of a reply is enforced. One owner, one thread at a time.
#pragma once

#include "support/block_cache.hpp"

#include <dunlin/abi.h>
#include <dunlin/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace dunlin::support {

/// The first memory that is taken has room for `CapacityFirst` bytes of content.
template <std::size_t Headroom, std::size_t CapacityFirst>
class block_buffer : public dunlin_buffer {
public:
    static constexpr std::size_t headroom = Headroom;
    static constexpr std::size_t size_max_none = SIZE_MAX / 2;

    explicit block_buffer(std::size_t size_max = size_max_none) noexcept
        : dunlin_buffer{nullptr, 0, 0, &block_buffer::grow_hook},
          size_max_(size_max) {}
    block_buffer(block_buffer&& other) noexcept
        : dunlin_buffer{std::exchange(other.data, nullptr), std::exchange(other.size, 0),
                        std::exchange(other.capacity, 0), &block_buffer::grow_hook},
          size_max_(other.size_max_) {}
    block_buffer& operator=(block_buffer&& other) noexcept {
        std::swap(data, other.data);
        std::swap(size, other.size);
        std::swap(capacity, other.capacity);
        std::swap(size_max_, other.size_max_);
        return *this;
    }
    block_buffer(const block_buffer&) = delete;
    block_buffer& operator=(const block_buffer&) = delete;
    ~block_buffer() { block_free(base()); }

    [[nodiscard]] bool empty() const noexcept { return size == 0; }
    [[nodiscard]] bytes_view view() const noexcept {
        return {reinterpret_cast<const std::byte*>(data), size};
    }
    [[nodiscard]] std::size_t size_max() const noexcept { return size_max_; }
    void set_size_max(std::size_t size_max) noexcept { size_max_ = size_max; }

    void clear() noexcept { size = 0; }
    /// Empties the buffer; memory beyond `keep` bytes goes back to the allocator.
    void reset(std::size_t keep) noexcept {
        size = 0;
        if (capacity > keep) block_free(release());
    }
    /// Hands the memory to the caller, who frees it with `support::block_free`. It begins
    /// `Headroom` bytes in front of the content, and is null if there is none.
    [[nodiscard]] std::uint8_t* release() noexcept {
        auto* memory = base();
        data = nullptr;
        size = capacity = 0;
        return memory;
    }

    /// Room for `extra` more bytes at data + size. Throws std::bad_alloc beyond the limit.
    std::uint8_t* reserve(std::size_t extra) {
        if (capacity - size < extra && !grow_to(size + extra)) throw std::bad_alloc();
        return data + size;
    }
    void append(const void* from, std::size_t count) {
        if (!try_append(from, count)) throw std::bad_alloc();
    }
    void append(bytes_view from) { append(from.data(), from.size()); }
    /// @returns false, with nothing appended, beyond the limit or without memory.
    [[nodiscard]] bool try_append(const void* from, std::size_t count) noexcept {
        if (capacity - size < count && !grow_to(size + count)) return false;
        if (count != 0) std::memcpy(data + size, from, count);
        size += count;
        return true;
    }

private:
    [[nodiscard]] std::uint8_t* base() const noexcept {
        return data == nullptr ? nullptr : data - Headroom;
    }
    [[nodiscard]] bool grow_to(std::size_t capacity_min) noexcept {
        if (capacity_min > size_max_) return false;
        const auto next =
            std::min(std::max({capacity * 2, capacity_min, CapacityFirst}), size_max_);
        const std::size_t used = data == nullptr ? 0 : Headroom + size;
        std::size_t block_bytes = 0;
        auto* moved = block_resize(base(), used, Headroom + next, block_bytes);
        if (moved == nullptr) return false;
        data = moved + Headroom;
        capacity = std::min(block_bytes - Headroom, size_max_);
        return true;
    }
    static int grow_hook(dunlin_buffer* self, std::size_t capacity_min) noexcept {
        auto* buffer = static_cast<block_buffer*>(self);
        return capacity_min <= buffer->capacity || buffer->grow_to(capacity_min) ? 0 : 1;
    }

    std::size_t size_max_;
};

}  // namespace dunlin::support
