// SPDX-License-Identifier: Apache-2.0
//
// Many objects of one type that come and go, in few allocations, each known by a small number.
//
// Growing never moves what is there, so a place that a lock protects is not copied as a whole under
// it, as a vector's would be: it takes one block more. Places are reused, the last one given back
// first, because it is in the cache. Memory is kept until `clear`. Plain value; one thread at a
// time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace dunlin::support {

/// No place in a slab.
inline constexpr std::uint32_t no_place = std::numeric_limits<std::uint32_t>::max();

/// @tparam T is made and assigned without throwing, and its default value owns nothing.
template <class T>
class slab {
public:
    static constexpr std::size_t block_places = 32;

    /// @returns the place of an object with its default value.
    [[nodiscard]] std::uint32_t take() {
        if (free_.empty()) grow();
        const auto place = free_.back();
        free_.pop_back();
        return place;
    }
    /// The object ends now. @pre the place is taken.
    void give_back(std::uint32_t place) noexcept {
        (*this)[place] = T{};
        free_.push_back(place);  // there is room for all of them, see `grow`
    }

    [[nodiscard]] T& operator[](std::uint32_t place) noexcept {
        return (*blocks_[place / block_places])[place % block_places];
    }
    [[nodiscard]] const T& operator[](std::uint32_t place) const noexcept {
        return (*blocks_[place / block_places])[place % block_places];
    }

    [[nodiscard]] std::size_t size() const noexcept { return capacity() - free_.size(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return blocks_.size() * block_places; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return capacity() * sizeof(T) + blocks_.capacity() * sizeof(blocks_[0]) +
               free_.capacity() * sizeof(free_[0]);
    }

private:
    using block = std::array<T, block_places>;

    // If this throws, nothing has changed that anybody sees.
    void grow() {
        const auto before = capacity();
        const auto places = before + block_places;
        if (free_.capacity() < places) free_.reserve(places < 2 * before ? 2 * before : places);
        blocks_.push_back(std::make_unique<block>());
        for (auto place = places; place > before;)
            free_.push_back(static_cast<std::uint32_t>(--place));
    }

    std::vector<std::unique_ptr<block>> blocks_;
    std::vector<std::uint32_t> free_;
};

}  // namespace dunlin::support
