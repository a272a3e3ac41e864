// SPDX-License-Identifier: Apache-2.0
//
// The memory a function writes its reply into.
//
// It is the C ABI's buffer with room left in front of the payload: the lane writes the reply's
// envelope there and sends the memory as it is, so a large reply is not copied between the
// function and the socket. Memory comes from the block cache; the limit on replies is enforced on
// growth. One owner, one thread at a time.
#pragma once

#include "support/block_cache.hpp"

#include <dunlin/abi.h>
#include <dunlin/bytes.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace dunlin::actors {

class output_buffer : public dunlin_buffer {
public:
    /// Room in front of the payload, in bytes.
    static constexpr std::size_t headroom = 64;

    explicit output_buffer(std::size_t size_max = SIZE_MAX / 2) noexcept
        : dunlin_buffer{nullptr, 0, 0, &output_buffer::grow_hook},
          size_max_(size_max) {}
    output_buffer(output_buffer&& other) noexcept
        : dunlin_buffer{std::exchange(other.data, nullptr), std::exchange(other.size, 0),
                        std::exchange(other.capacity, 0), &output_buffer::grow_hook},
          size_max_(other.size_max_) {}
    output_buffer& operator=(output_buffer&& other) noexcept {
        std::swap(data, other.data);
        std::swap(size, other.size);
        std::swap(capacity, other.capacity);
        std::swap(size_max_, other.size_max_);
        return *this;
    }
    output_buffer(const output_buffer&) = delete;
    output_buffer& operator=(const output_buffer&) = delete;
    ~output_buffer() { support::block_free(base()); }

    [[nodiscard]] bytes_view view() const noexcept {
        return {reinterpret_cast<const std::byte*>(data), size};
    }
    void set_size_max(std::size_t size_max) noexcept { size_max_ = size_max; }
    [[nodiscard]] std::size_t size_max() const noexcept { return size_max_; }

    /// Empties the buffer; memory beyond `keep` bytes goes back to the allocator.
    void reset(std::size_t keep) noexcept {
        size = 0;
        if (capacity <= keep) return;
        support::block_free(base());
        data = nullptr;
        capacity = 0;
    }

    /// The start of the allocation, for `support::block_free` after `release`.
    [[nodiscard]] std::uint8_t* base() const noexcept {
        return data == nullptr ? nullptr : data - headroom;
    }
    /// Gives up the memory; the caller frees `base()` as it was before.
    void release() noexcept {
        data = nullptr;
        size = capacity = 0;
    }

    void append(const void* from, std::size_t count) {
        if (count == 0 || (capacity - size < count && grow(this, size + count) != 0)) return;
        std::memcpy(data + size, from, count);
        size += count;
    }

private:
    static int grow_hook(dunlin_buffer* self, std::size_t capacity_min) noexcept {
        auto* buffer = static_cast<output_buffer*>(self);
        if (capacity_min <= buffer->capacity) return 0;
        if (capacity_min > buffer->size_max_) return 1;
        std::size_t next = buffer->capacity < 256 ? 512 : buffer->capacity * 2;
        if (next < capacity_min) next = capacity_min;
        if (next > buffer->size_max_) next = buffer->size_max_;
        const std::size_t used = buffer->data == nullptr ? 0 : headroom + buffer->size;
        std::size_t block_bytes = 0;
        auto* moved = support::block_resize(buffer->base(), used, headroom + next, block_bytes);
        if (moved == nullptr) return 1;
        buffer->data = moved + headroom;
        buffer->capacity = std::min(block_bytes - headroom, buffer->size_max_);
        return 0;
    }

    std::size_t size_max_;
};

}  // namespace dunlin::actors
