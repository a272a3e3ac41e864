// SPDX-License-Identifier: Apache-2.0
//
// The growing memory that a frame is written into.
//
// It is the C ABI's `dunlin_buffer` with an owner, so a function's reply is encoded straight
// into the frame that leaves the process. The memory comes from the block cache and can be released
// to ZeroMQ, which gives it back after sending: large frames are never copied. One owner, one
// thread.
#pragma once

#include "support/block_cache.hpp"

#include <dunlin/abi.h>
#include <dunlin/bytes.hpp>

#include <cstring>
#include <limits>
#include <new>
#include <utility>

namespace dunlin::wire {

class frame_buffer : public dunlin_buffer {
public:
    explicit frame_buffer(std::size_t size_max = std::numeric_limits<std::size_t>::max()) noexcept
        : dunlin_buffer{nullptr, 0, 0, &frame_buffer::grow_hook},
          size_max_(size_max) {}
    frame_buffer(frame_buffer&& other) noexcept
        : dunlin_buffer{std::exchange(other.data, nullptr), std::exchange(other.size, 0),
                        std::exchange(other.capacity, 0), &frame_buffer::grow_hook},
          size_max_(other.size_max_) {}
    frame_buffer& operator=(frame_buffer&& other) noexcept {
        std::swap(data, other.data);
        std::swap(size, other.size);
        std::swap(capacity, other.capacity);
        std::swap(size_max_, other.size_max_);
        return *this;
    }
    frame_buffer(const frame_buffer&) = delete;
    frame_buffer& operator=(const frame_buffer&) = delete;
    ~frame_buffer() { support::block_free(data); }

    [[nodiscard]] bool empty() const noexcept { return size == 0; }
    [[nodiscard]] bytes_view view() const noexcept {
        return {reinterpret_cast<const std::byte*>(data), size};
    }
    void clear() noexcept { size = 0; }

    /// Room for `extra` more bytes at data + size.
    std::uint8_t* reserve(std::size_t extra) {
        if (capacity - size < extra && !grow_to(size + extra)) throw std::bad_alloc();
        return data + size;
    }
    void append(const void* from, std::size_t count) {
        if (count == 0) return;
        std::memcpy(reserve(count), from, count);
        size += count;
    }
    void append(bytes_view from) { append(from.data(), from.size()); }

    /// Hands the memory to the caller, who frees it with `support::block_free`.
    [[nodiscard]] std::uint8_t* release() noexcept {
        size = capacity = 0;
        return std::exchange(data, nullptr);
    }

private:
    [[nodiscard]] bool grow_to(std::size_t capacity_min) noexcept {
        if (capacity_min > size_max_) return false;
        std::size_t next = capacity < 512 ? 1024 : capacity * 2;
        if (next < capacity_min) next = capacity_min;
        if (next > size_max_) next = size_max_;
        auto* moved = support::block_resize(data, size, next, capacity);
        if (moved == nullptr) return false;
        data = moved;
        if (capacity > size_max_) capacity = size_max_;
        return true;
    }
    static int grow_hook(dunlin_buffer* self, std::size_t capacity_min) {
        auto* buffer = static_cast<frame_buffer*>(self);
        return capacity_min <= buffer->capacity || buffer->grow_to(capacity_min) ? 0 : 1;
    }

    std::size_t size_max_;
};

}  // namespace dunlin::wire
