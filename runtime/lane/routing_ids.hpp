// SPDX-License-Identifier: Apache-2.0
//
// The routing ids that ZeroMQ makes up for peers that claim none, and peers that claim those.
//
// A ROUTER numbers its peers: a zero byte, then a count of 32 bits that starts at two calls of
// `rand()` and goes up by one with each peer. libzmq takes for granted that the next number is
// free; if a peer has claimed it as its own id, an assertion ends the process (socket_base.cpp,
// add_out_pipe). It offers no way to refuse such an id. So the count starts where nobody knows.
// Whenever connections have come, the lane connects a peer of its own and so learns how far the
// count is; claims a little ahead of it show when something is sent there, and a peer that speaks
// under a number that no connection can have got yet has chosen it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::runtime {

/// Lets the counts of all ROUTER sockets that are made from now on start where nobody can know.
/// Before the first of them.
void seed_routing_ids();

/// The count of one ROUTER, as far as it can be told from outside. Pure; one thread.
class routing_id_count {
public:
    /// The answer to a question: its peer got this number. So many connections may have got later
    /// ones: those that had not spoken when it was asked, and those that have come since.
    void learned(std::uint32_t number, std::size_t may_follow) noexcept {
        next_max_ = number + 1 + static_cast<std::uint32_t>(may_follow);
        known_ = true;
    }
    /// A connection was accepted, and may get a number.
    void accepted() noexcept { ++next_max_; }

    /// Whether a peer that sends under this id has chosen it itself, although only ZeroMQ makes up
    /// such ids. Wrongly false only of numbers that were used up before, which do no harm.
    [[nodiscard]] bool is_claim(std::string_view id) const noexcept {
        if (id.empty() || id.front() != '\0') return false;
        const auto number = number_of(id);
        return !number || (known_ && *number - next_max_ < half);
    }

    /// How many ids ahead of a number that was just given out are taken. Those that follow it with
    /// small gaps, of peers that have left again, were given out since.
    template <class Taken>
    [[nodiscard]] static std::size_t claims_ahead(std::uint32_t number, Taken&& is_taken) {
        constexpr std::uint32_t given_max = 1u << 16;
        constexpr std::uint32_t gap_max = 16;
        std::uint32_t next = number + 1;
        for (std::uint32_t gap = 0; gap < gap_max && next - number < given_max; ++next)
            gap = is_taken(id_of(next)) ? 0 : gap + 1;
        std::size_t claims = 0;
        for (std::uint32_t ahead = 0; ahead < looked_ahead; ++ahead)
            claims += is_taken(id_of(next + ahead)) ? 1 : 0;
        return claims;
    }
    /// More than are given out between two looks.
    static constexpr std::uint32_t looked_ahead = 256;

    [[nodiscard]] static std::string id_of(std::uint32_t number);
    /// Nothing: ZeroMQ would not make up this id.
    [[nodiscard]] static std::optional<std::uint32_t> number_of(std::string_view id) noexcept;

private:
    /// The count may wrap: what is less than half a circle ahead is ahead.
    static constexpr std::uint32_t half = 1u << 31;

    std::uint32_t next_max_ = 0;  // no connection so far can have got this one or a later one
    bool known_ = false;
};

}  // namespace dunlin::runtime
