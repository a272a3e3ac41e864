// SPDX-License-Identifier: Apache-2.0
//
// Memory for frames, which is taken on one thread and given back on another.
//
// A frame of 64 KiB is allocated by the thread that encodes it and freed by ZeroMQ's thread once it
// is sent. The C library then trims its heap at every free and faults the pages in again at every
// allocation, which costs more than copying them. So blocks from 16 KiB to 1 MiB are kept for the
// next frame, up to a fixed number of bytes; smaller and larger ones go to malloc and free.
//
// One cache a process, like the heap it stands in front of. Safe from any thread; a lock is taken
// only for blocks of the sizes that are kept.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dunlin::support {

/// Bytes that unused blocks may hold together.
inline constexpr std::size_t block_cache_bytes_max = std::size_t{8} << 20;

/// A block of at least `capacity_min` bytes, which starts with the first `used` bytes of `block`
/// (null: nothing); `block` is given back. `capacity` becomes the real size.
/// @returns null, with `block` untouched, when there is no memory.
[[nodiscard]] std::uint8_t* block_resize(std::uint8_t* block, std::size_t used,
                                         std::size_t capacity_min, std::size_t& capacity) noexcept;

/// Gives a block back. Null is nothing.
void block_free(void* block) noexcept;

/// For frames that ZeroMQ allocates itself, those it receives: makes the C library keep their
/// memory too. glibc trims a heap whose free end exceeds 128 KiB, until a program has freed a
/// larger block once; from then on it keeps twice that block (mallopt(3), "dynamic mmap
/// threshold"). So this frees one of 4 MiB, the first time it is called. Other allocators and
/// programs that have set their own thresholds are not affected.
/// It changes the whole process for good, so only the program may decide it: `dunlin` does for
/// itself, others that link the SDK with `client_options::keep_heap`.
void keep_heap_between_frames() noexcept;

}  // namespace dunlin::support
