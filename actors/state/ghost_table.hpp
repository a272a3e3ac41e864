// SPDX-License-Identifier: Apache-2.0
//
// The keys of entries that have left a cache lately, so that one that comes back is known.
//
// A key that is wanted again soon after its entry was thrown out deserves a better place than one
// that nobody has seen. Remembering keys costs what an entry would, so this remembers 32 bits of
// their hashes, six bytes each, in buckets of eight. When a million are remembered, one stranger in
// 4,000 is taken for one of them, and gets a place that it has not earned.
//
// A ghost is forgotten when as many bytes as `set_life` says have left after it: with entries of
// mixed sizes, what would have stayed in a cache so much larger is counted in bytes. It is
// forgotten sooner, the oldest first, when there are more of them than places. Memory is bounded by
// the most entries that `reserve` has ever been asked for.
//
// Plain value; one thread at a time. Nothing but `reserve` allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::actors {

class ghost_table {
public:
    /// Makes room for as many ghosts as there are entries. If it throws, nothing has changed.
    void reserve(std::size_t entries);
    /// How many bytes may leave before a ghost is forgotten.
    void set_life(std::size_t bytes) noexcept;

    /// An entry of this size leaves now.
    void remember(std::uint32_t fingerprint, std::size_t bytes) noexcept;
    /// Whether it left lately; it is forgotten then, because it is back.
    [[nodiscard]] bool take(std::uint32_t fingerprint) noexcept;

    /// Those that are remembered now; counts them, for tests and statistics.
    [[nodiscard]] std::size_t count() const noexcept;
    /// Those that there are places for.
    [[nodiscard]] std::size_t capacity() const noexcept { return buckets_.size() * ways; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return buckets_.capacity() * sizeof(bucket);
    }

private:
    static constexpr std::size_t ways = 8;
    /// Ages are counted in parts of a life: so many are one.
    static constexpr std::uint16_t life = 1024;
    /// An age counter starts again after 64 lives. Each bucket is swept before that, four times.
    static constexpr std::size_t sweep_within = 16 * life;

    struct bucket {
        std::array<std::uint32_t, ways> fingerprints{};  // 0: free
        std::array<std::uint16_t, ways> left_at{};
    };

    [[nodiscard]] bucket& bucket_of(std::uint32_t fingerprint) noexcept {
        return buckets_[(static_cast<std::uint64_t>(fingerprint) * buckets_.size()) >> 32];
    }
    [[nodiscard]] bool expired(std::uint16_t left_at) const noexcept { return age(left_at) > life; }
    [[nodiscard]] std::uint16_t age(std::uint16_t left_at) const noexcept {
        return static_cast<std::uint16_t>(now_ - left_at);
    }
    void put(std::uint32_t fingerprint, std::uint16_t left_at) noexcept;
    void advance(std::size_t bytes) noexcept;
    void sweep(std::size_t buckets) noexcept;

    std::vector<bucket> buckets_;
    std::size_t part_bytes_ = 1;     // of a life
    std::size_t pending_bytes_ = 0;  // have left, and are no whole part yet
    std::size_t swept_to_ = 0;
    std::uint16_t now_ = 0;  // in parts of a life
};

}  // namespace dunlin::actors
