// SPDX-License-Identifier: Apache-2.0
//
// The routing ids that ZeroMQ makes up for peers that claim none, and peers that claim those.
//
// A ROUTER numbers its peers: a zero byte, then a count of 32 bits that starts at two calls of
// `rand()` and goes up by one with each peer. libzmq takes for granted that the next number is
// free; if a peer has claimed it as its own id, an assertion ends the process (socket_base.cpp,
// add_out_pipe). It offers no way to refuse such an id. So the count starts where nobody knows; the
// lane learns where that is from a peer of its own, and can tell a made up id from a claim, as it
// knows how many connections there have been since; and it looks for claims a little ahead of the
// count, since a peer that says nothing shows no id.
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
    /// A peer has got this number; `may_follow` connections that exist may get the next ones.
    void learned(std::uint32_t number, std::size_t may_follow) noexcept {
        seen_ = number;
        next_max_ = number + 1 + static_cast<std::uint32_t>(may_follow);
        known_ = true;
    }
    [[nodiscard]] bool known() const noexcept { return known_; }

    /// A connection was accepted, and may get a number.
    void accepted() noexcept { ++next_max_; }
    /// A peer is known to have got the number of this id.
    void seen(std::string_view id) noexcept {
        const auto number = number_of(id);
        if (number && is_ahead(*number, seen_)) seen_ = *number;
    }

    /// Whether a peer that sends under this id has chosen it itself, although only ZeroMQ makes up
    /// such ids. Wrongly false only of numbers that were used up before.
    [[nodiscard]] bool is_claim(std::string_view id) const noexcept {
        if (id.empty() || id.front() != '\0') return false;
        const auto number = number_of(id);
        return !number || (known_ && !is_ahead(next_max_, *number));
    }

    /// The numbers at which a claim would do harm soon: those that the connections there are may
    /// not have reached, and some further ones.
    [[nodiscard]] std::uint32_t harmful_from() const noexcept { return next_max_; }
    static constexpr std::uint32_t harmful_count = 64;
    /// How far the bounds are apart: connections that never shook hands have moved the upper one.
    [[nodiscard]] std::uint32_t uncertainty() const noexcept { return next_max_ - seen_ - 1; }

    [[nodiscard]] static std::string id_of(std::uint32_t number);
    /// Nothing: ZeroMQ would not make up this id.
    [[nodiscard]] static std::optional<std::uint32_t> number_of(std::string_view id) noexcept;

private:
    /// On a circle: the count may wrap.
    [[nodiscard]] static bool is_ahead(std::uint32_t one, std::uint32_t of) noexcept {
        return one != of && one - of < std::uint32_t{1} << 31;
    }

    std::uint32_t seen_ = 0;      // the highest known to be used
    std::uint32_t next_max_ = 0;  // no connection so far can have got this one or a later one
    bool known_ = false;
};

}  // namespace dunlin::runtime
