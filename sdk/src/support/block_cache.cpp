// SPDX-License-Identifier: Apache-2.0
#include "support/block_cache.hpp"

#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

namespace dunlin::support {

namespace {

constexpr std::size_t class_bits_min = 14;  // 16 KiB
constexpr std::size_t class_bits_max = 20;  // 1 MiB
constexpr std::size_t classes = class_bits_max - class_bits_min + 1;
constexpr std::size_t not_kept = classes;

/// In front of every block; as large as malloc's alignment.
struct alignas(alignof(std::max_align_t)) header {
    std::size_t size_class;
};

class cache {
public:
    header* take(std::size_t size_class) noexcept {
        const std::scoped_lock lock(mutex_);
        auto& kept = kept_[size_class];
        if (kept.count == 0) return nullptr;
        bytes_ -= bytes_of(size_class);
        return kept.blocks[--kept.count];
    }
    bool keep(header* block) noexcept {
        const std::scoped_lock lock(mutex_);
        auto& kept = kept_[block->size_class];
        const std::size_t bytes = bytes_of(block->size_class);
        if (kept.count == kept.blocks.size() || bytes_ + bytes > block_cache_bytes_max)
            return false;
        bytes_ += bytes;
        kept.blocks[kept.count++] = block;
        return true;
    }
    static std::size_t bytes_of(std::size_t size_class) noexcept {
        return std::size_t{1} << (class_bits_min + size_class);
    }

private:
    struct shelf {
        std::array<header*, 128> blocks{};
        std::size_t count = 0;
    };
    std::mutex mutex_;
    std::array<shelf, classes> kept_{};
    std::size_t bytes_ = 0;
};

/// Never destroyed: ZeroMQ may give a block back after every destructor has run.
cache& the_cache() noexcept {
    alignas(cache) static std::byte place[sizeof(cache)];
    static cache* const instance = new (place) cache;
    return *instance;
}

std::size_t class_for(std::size_t bytes) noexcept {
    // Just below 16 KiB a block still grows soon; above 1 MiB the copy dwarfs the faults.
    if (bytes <= (std::size_t{1} << (class_bits_min - 1))) return not_kept;
    const auto bits = static_cast<std::size_t>(std::bit_width(bytes - 1));
    if (bits > class_bits_max) return not_kept;
    return bits < class_bits_min ? 0 : bits - class_bits_min;
}

std::uint8_t* payload_of(header* block) noexcept {
    return reinterpret_cast<std::uint8_t*>(block + 1);
}
header* header_of(void* payload) noexcept { return static_cast<header*>(payload) - 1; }

}  // namespace

std::uint8_t* block_resize(std::uint8_t* block, std::size_t used, std::size_t capacity_min,
                           std::size_t& capacity) noexcept {
    const std::size_t wanted = class_for(capacity_min);
    if (wanted == not_kept && (block == nullptr || header_of(block)->size_class == not_kept)) {
        auto* old = block == nullptr ? nullptr : header_of(block);
        auto* moved = static_cast<header*>(std::realloc(old, sizeof(header) + capacity_min));
        if (moved == nullptr) return nullptr;
        moved->size_class = not_kept;
        capacity = capacity_min;
        return payload_of(moved);
    }
    const std::size_t bytes = wanted == not_kept ? capacity_min : cache::bytes_of(wanted);
    header* fresh = wanted == not_kept ? nullptr : the_cache().take(wanted);
    if (fresh == nullptr) fresh = static_cast<header*>(std::malloc(sizeof(header) + bytes));
    if (fresh == nullptr) return nullptr;
    fresh->size_class = wanted;
    if (used != 0) std::memcpy(payload_of(fresh), block, used);
    block_free(block);
    capacity = bytes;
    return payload_of(fresh);
}

void block_free(void* block) noexcept {
    if (block == nullptr) return;
    auto* given_back = header_of(block);
    if (given_back->size_class != not_kept && the_cache().keep(given_back)) return;
    std::free(given_back);
}

void keep_heap_between_frames() noexcept {
    static const bool done = [] {
        constexpr std::size_t shown_bytes = std::size_t{4} << 20;
        void* volatile shown = std::malloc(shown_bytes);  // volatile: the pair must not vanish
        std::free(shown);
        return true;
    }();
    static_cast<void>(done);
}

}  // namespace dunlin::support
