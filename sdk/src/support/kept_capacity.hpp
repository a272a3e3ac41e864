// SPDX-License-Identifier: Apache-2.0
//
// What a container that is empty keeps of the memory that it has grown to.
//
// A vector keeps what it had at its largest: after one crowd of a hundred thousand calls each queue
// on their way would hold megabytes for good. Giving all back each time it runs empty would make it
// grow anew with each burst. So an empty container keeps a little, enough for what comes and goes
// all the time, and gives back what a crowd has made of it: growing so far again costs no more than
// moving each element once. One rule for all containers that anybody's calls can make large; those
// with their own idea of "much" (ledgers, which are never quite empty) say so themselves. Pure.
#pragma once

#include <array>
#include <cstddef>

namespace dunlin::support {

/// Of a container that there are a few of: for each lane, or for the scheduler.
inline constexpr std::size_t empty_bytes_kept = std::size_t{64} << 10;
/// ... and of one that there is for each function of a node, of which there may be thousands.
inline constexpr std::size_t empty_bytes_kept_each = 512;

/// Whether `list`, once it is empty, is too large to be kept as it is.
template <class List>
[[nodiscard]] bool has_outgrown(const List& list, std::size_t kept = empty_bytes_kept) noexcept {
    // As an array: of a list of pointers it is those that count.
    return list.capacity() * sizeof(std::array<typename List::value_type, 1>) > kept;
}

/// @pre `list` is empty.
template <class List>
void give_back_growth(List& list, std::size_t kept = empty_bytes_kept) noexcept {
    if (has_outgrown(list, kept)) List().swap(list);
}

}  // namespace dunlin::support
