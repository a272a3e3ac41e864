// SPDX-License-Identifier: Apache-2.0
//
// One lane's connection to another node, for calls that go there and for gossip.
//
// A link is directional: it belongs to the side that opened it, as a client's connection does, and
// carries calls there and their answers back. ZeroMQ never reconnects behind it: when the
// transport is lost the link says so, whatever waited for it is answered or sent elsewhere, and a
// new connection begins with a new handshake. What may be under way is bounded by a window of
// calls and bytes, so that a node that does not answer takes no memory.
// Owned by its lane's `links`; one thread.
#pragma once

#include "client/backoff.hpp"
#include "client/connection.hpp"
#include "cluster/pulse.hpp"
#include "cluster/refusal_pause.hpp"
#include "cluster/spread.hpp"
#include "wire/frame_buffer.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::runtime {

struct function_route;

namespace link_limits {
/// Calls under way on one link, if its node announces no smaller number.
inline constexpr std::size_t calls_max = 65536;
/// Payload bytes of calls under way on one link. One call of any size always fits.
inline constexpr std::size_t bytes_max = std::size_t{64} << 20;
/// Functions of one node; a node that names more is not taken at its word.
inline constexpr std::uint32_t catalog_max = 65536;
/// Links of a lane, where descriptors allow as many.
inline constexpr std::size_t links_max = 5000;
/// ZeroMQ sockets that a link takes (its own, and both ends of its monitor), and that a lane takes
/// besides. ZeroMQ's own limit of 1023 would end at 340 links, and 128 KiB do no harm.
inline constexpr std::size_t sockets_per_link = 3;
inline constexpr std::size_t sockets_of_lane = 16;
/// A node that is silent for so long, while it owes answers, is given up, as clients do.
inline constexpr cluster::pulse::limits patience{.silence_max_ns = 1'000'000'000};
/// The pause before connecting again, doubling with jitter.
inline constexpr std::chrono::milliseconds pause_min{20};
inline constexpr std::chrono::milliseconds pause_max{1000};
/// The shortest one to a member that is known from hearsay only. Its first attempt tells the
/// membership what others are to probe; whatever was made up is dead before many more.
inline constexpr std::chrono::milliseconds stranger_pause_min{1000};
}  // namespace link_limits

/// A function as the node at the other end serves it.
struct remote_function {
    std::string name;
    std::string module_version;
    bool idempotent = false;
    std::string key_field = {};       // of its input; empty: callers give keys
    std::string space = {};           // of its keys; empty: calls of one key take no turns
    function_route* route = nullptr;  // of this lane, and
    std::uint32_t place = 0;          // of this link there
};

struct peer_link {
    enum class phase : std::uint8_t {
        waiting,   // to connect
        looking,   // for the address of its host
        greeting,  // hello is on its way
        live,      // welcomed
        leaving,   // takes no more calls, answers those it has
    };

    std::uint64_t instance = 0;  // 0: known by its address only, until it answers
    std::string name;
    std::string endpoint;
    bool draining = false;  // says the membership
    bool member = false;    // the membership knows it; otherwise it serves to join only
    bool gone = false;  // it has left the membership in order, and owes answers that are on the way
    bool lost = false;  // to be closed at the end of the turn
    struct loss {
        std::string why;
        bool silent = false;  // nothing was closed: it does not answer, or others call it dead
    };
    loss lost_by;
    bool refused = false;  // by the node, in the handshake
    /// How ZeroMQ's handshake has ended, if it was the last thing to happen.
    enum class handshake : std::uint8_t { fine, failed, failed_with_all_keys };
    handshake shook = handshake::fine;
    bool keys_refused = false;  // that is known, not guessed
    bool redundant = false;     // another link leads to the same node

    phase now = phase::waiting;
    std::unique_ptr<link::connection> connection;
    link::backoff pause{link_limits::pause_min, link_limits::pause_max, 1};
    std::int64_t try_at_ns = 0;
    std::vector<std::string> addresses;  // of its host, which have not been tried; the next is last
    std::int64_t look_until_ns = 0;      // looking: when to give up
    bool reached = false;                // a node has answered there
    bool failed = false;                 // an attempt has come to nothing, or was lost again

    std::vector<remote_function> catalog;
    std::vector<remote_function> incoming;  // parts of the next catalog
    std::size_t in_flight = 0;
    std::size_t in_flight_max = 0;
    std::size_t bytes_in_flight = 0;
    std::size_t payload_bytes_max = 0;
    /// Membership says who is dead; this, who hangs or is cut off from this node alone.
    cluster::pulse pulse{link_limits::patience};
    struct ping_times {
        std::int64_t sent_ns = 0;  // 0: none under way
        std::int64_t due_ns = 0;
    };
    ping_times pings;
    std::int64_t rtt_ns = 0;  // averaged; 0: unknown

    cluster::refusal_pause full;  // its node refuses calls of whichever function
    wire::frame_buffer out;
    std::uint32_t out_envelopes = 0;
    std::int64_t out_dated_ns = 0;  // when it says last that it was sent
    bool dirty = false;
    /// It was opened or sent on, so that something may have arrived that its descriptor does not
    /// tell; a look ends that.
    bool unheard = false;
    bool quiet = false;  // says a poll just now: nothing has arrived

    /// Share of its time that the node's busiest function has used of late.
    [[nodiscard]] double busy() const noexcept {
        double most = 0;
        for (const auto& each : catalog)
            if (each.route != nullptr) most = std::max<double>(most, load_of(each).report.busy);
        return most;
    }
    [[nodiscard]] static const cluster::candidate& load_of(const remote_function& which) noexcept;
    /// A member that has never answered here: perhaps there is none.
    [[nodiscard]] bool stranger() const noexcept { return member && !reached; }
    /// It takes no new calls, as it or its membership has said, and answers those that it has.
    [[nodiscard]] bool leaves() const noexcept {
        return !lost && (now == phase::leaving || (now == phase::live && draining));
    }
    /// Of a member, and on its first way to be of use.
    [[nodiscard]] bool comes_up() const noexcept {
        return member && !draining && !failed && catalog.empty();
    }
    /// Before it is tried again, after one more failure.
    [[nodiscard]] std::int64_t next_pause_ns() {
        const std::chrono::nanoseconds next = pause.next();
        const bool same_again = stranger() && shook == handshake::fine;
        const std::chrono::nanoseconds at_least = link_limits::stranger_pause_min;
        return (same_again ? std::max(next, at_least) : next).count();
    }
    [[nodiscard]] bool live() const noexcept { return now == phase::live && !lost; }
    [[nodiscard]] bool takes(std::size_t payload_bytes) const noexcept {
        return live() && !draining && in_flight < in_flight_max &&
               payload_bytes <= payload_bytes_max &&
               (in_flight == 0 || bytes_in_flight + payload_bytes <= link_limits::bytes_max);
    }
};

}  // namespace dunlin::runtime
