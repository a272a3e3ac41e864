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
    /// A peer has just got this number; `may_follow` connections that exist may get the next ones.
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

    /// How many ids ahead of a number that was just given out are taken. Those that follow it
    /// without a gap were given out since.
    template <class Taken>
    [[nodiscard]] static std::size_t claims_ahead(std::uint32_t number, Taken&& is_taken) {
        constexpr std::uint32_t run_max = 1u << 16;
        std::uint32_t given = number + 1;
        while (given - number < run_max && is_taken(id_of(given))) ++given;
        std::size_t claims = 0;
        for (std::uint32_t ahead = 1; ahead <= looked_ahead; ++ahead)
            claims += is_taken(id_of(given + ahead)) ? 1 : 0;
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
