// SPDX-License-Identifier: Apache-2.0
//
// Which of many holders has most of something by its weight, without looking at all of them.
//
// Holders stand in lists by the amount divided by the weight, in log-linear classes of an eighth.
// So a change costs a move to another list at most, and the largest is found in constant time,
// within an eighth: enough to say who gives way first. Holders live in a slab. Plain value; one
// thread at a time.
#pragma once

#include "support/index_list.hpp"
#include "support/log_histogram.hpp"
#include "support/slab.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace dunlin::support {

/// Of a holder that has nothing.
inline constexpr std::uint16_t no_rank = 0xffff;

/// @tparam Links, Rank the members of T that are these lists'; a rank begins as `no_rank`.
template <class T, index_links T::*Links, std::uint16_t T::*Rank>
class weighted_ranks {
public:
    /// Larger amounts are as this one.
    static constexpr std::uint64_t amount_max = std::uint64_t{1} << 44;

    [[nodiscard]] static std::uint16_t rank_of(std::uint64_t amount,
                                               std::uint32_t weight) noexcept {
        const auto scaled = std::min(amount, amount_max) << weight_shift;
        return static_cast<std::uint16_t>(scale::index_of(weight <= 1 ? scaled : scaled / weight));
    }
    /// The holder has so much now; it may have stood elsewhere, or nowhere.
    void put(slab<T>& in, std::uint32_t place, std::uint64_t amount,
             std::uint32_t weight) noexcept {
        const auto rank = rank_of(amount, weight);
        if (in[place].*Rank == rank) return;
        take_out(in, place);
        in[place].*Rank = rank;
        lists_[rank].push_back(in, place);
        used_[rank / 64] |= std::uint64_t{1} << (rank % 64);
    }
    void take_out(slab<T>& in, std::uint32_t place) noexcept {
        const auto rank = in[place].*Rank;
        if (rank == no_rank) return;
        in[place].*Rank = no_rank;
        lists_[rank].erase(in, place);
        if (lists_[rank].empty()) used_[rank / 64] &= ~(std::uint64_t{1} << (rank % 64));
    }
    /// One that has most by its weight, within an eighth; `no_place` when none has anything.
    [[nodiscard]] std::uint32_t largest() const noexcept {
        for (auto word = used_.size(); word-- > 0;) {
            if (used_[word] == 0) continue;
            return lists_[word * 64 + static_cast<std::size_t>(std::bit_width(used_[word])) - 1]
                .front();
        }
        return no_place;
    }

private:
    using scale = log_scale<4>;
    /// Small amounts of heavy holders are told apart.
    static constexpr unsigned weight_shift = 3;
    static constexpr std::size_t ranks = scale::index_of(amount_max << weight_shift) + 1;

    std::array<index_list<T, Links>, ranks> lists_;
    std::array<std::uint64_t, ranks / 64 + 1> used_{};
};

}  // namespace dunlin::support
