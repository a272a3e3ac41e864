// SPDX-License-Identifier: Apache-2.0
//
// The envelopes of Dunlin's protocol: what WIRE.md says in prose, as views.
//
// Decoding touches each byte once, allocates nothing and never trusts a length: every view
// points into the frame it came from and lives as long as that frame. Encoding appends to a
// buffer. No state, no thread: plain functions over memory.
#pragma once

#include "wire/cluster_items.hpp"
#include "wire/frame_buffer.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/errc.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dunlin::wire {

inline constexpr std::uint32_t protocol_version = 1;
/// The first string of a hello; tells a Dunlin peer from a stranger on the port.
inline constexpr std::string_view protocol_name = "dunlin";

/// Limits that both sides hold each other to; WIRE.md explains each.
inline constexpr std::size_t detail_bytes_max = 4096;             // an error's text; longer is cut
inline constexpr std::size_t trace_bytes_max = 512;               // longer is left out when sending
inline constexpr std::size_t envelope_overhead_bytes_max = 2048;  // invoke or reply without payload
inline constexpr std::size_t envelopes_per_frame_max = 65536;
inline constexpr std::size_t payload_bytes_max_default = 16u << 20;

/// A frame beyond this is dropped unread and answered with a failure about the connection.
[[nodiscard]] constexpr std::uint64_t frame_bytes_max(std::uint64_t payload_bytes_max) noexcept {
    return payload_bytes_max + (1u << 20);
}
/// A message beyond this never reaches Dunlin: ZeroMQ ends the connection (ZMQ_MAXMSGSIZE).
[[nodiscard]] constexpr std::uint64_t transport_bytes_max(
    std::uint64_t payload_bytes_max) noexcept {
    return 4 * frame_bytes_max(payload_bytes_max);
}
/// The part of an error's text that travels: at most detail_bytes_max, no character torn.
[[nodiscard]] std::string_view cut_detail(std::string_view detail) noexcept;

enum class kind : std::uint8_t {
    hello = 0,    // first envelope of every connection, connecting side
    welcome = 1,  // its answer
    invoke = 2,
    reply = 3,    // value
    failure = 4,  // error instead of a value
    cancel = 5,
    ping = 6,
    pong = 7,
    goaway = 8,    // the node stops, or refuses this peer: send nothing more
    bye = 9,       // the connecting side leaves
    gossip = 10,   // between nodes: who is a member
    load = 11,     // how long calls wait at this node
    catalog = 12,  // what this node serves
    members = 13,  // which nodes there are
    sent = 14,     // when the frame was sent
    cold = 15,     // the call whose reply follows paid for a start
    offer = 16,    // between nodes: keys that have moved to the receiver, and are used much
};

enum class peer_role : std::uint8_t { client = 0, node = 1, operator_ = 2 };

namespace features {
/// The sender of the hello wants to hear of the cluster: members, catalog and load.
inline constexpr std::uint64_t cluster = 1;
}  // namespace features

namespace invoke_flags {
inline constexpr std::uint32_t none = 0;
/// Another node has sent this on already: it runs where it arrives, or not at all.
inline constexpr std::uint32_t forwarded = 1;
/// How often a node that had taken the call has sent it on, as its key had moved: 0 to 3, times
/// this.
inline constexpr std::uint32_t one_move = 4;
inline constexpr std::uint32_t moves_max = 3;
[[nodiscard]] constexpr std::uint32_t moves_in(std::uint32_t flags) noexcept {
    return flags / one_move % (moves_max + 1);
}
/// The client is connected to all nodes and has chosen this one by their loads: the node sends the
/// call on only if it has later news than the client could have.
inline constexpr std::uint32_t chosen = 2;
}  // namespace invoke_flags

struct hello {
    std::uint32_t version_min = protocol_version;
    std::uint32_t version_max = protocol_version;
    std::uint64_t features = 0;  // bit set
    peer_role role = peer_role::client;
    std::string_view name = {};     // for logs
    std::string_view cluster = {};  // the only one it wants to talk to; empty: any
    std::uint64_t instance = 0;     // of a node: this very process; 0: not a node
};

struct welcome {
    std::uint32_t version = protocol_version;
    std::uint64_t features = 0;  // those that both sides have
    std::string_view node;
    std::uint64_t payload_bytes_max = payload_bytes_max_default;
    std::uint64_t in_flight_max = 0;  // calls this connection may have unanswered
    std::array<std::string_view, endpoints_max> endpoints{};  // all lanes of the node, this one too
    std::size_t endpoint_count = 0;
    std::string_view cluster = {};  // empty: a node that is alone
    std::uint64_t instance = 0;     // this very process; 0: not told
};

/// Callers number their attempts 0, 1, 2, ...; a node that sends a call again of its own accord
/// adds this. So no two sendings of a call have one number, by the caller or by a node.
inline constexpr std::uint32_t attempt_step_of_nodes = 256;

/// A call that so many nodes were lost with may be what ends them (a poison call): nobody sends it
/// again. Callers and nodes on the way count together, and tell each other what they have counted.
inline constexpr std::uint32_t losses_max = 2;

struct invoke {
    std::uint64_t id = 0;  // chosen by the caller, unique per connection among unanswered calls
    std::string_view function;
    std::uint64_t remaining_us = 0;  // until the deadline, when sent; 0: none
    std::uint32_t flags = invoke_flags::none;
    std::uint32_t attempt = 0;  // see `attempt_step_of_nodes`
    std::uint32_t retries_left = 0;
    bytes_view key;          // empty: no key
    std::string_view trace;  // W3C traceparent (and state); empty: none
    bytes_view payload;      // one msgpack value, not looked at by the envelope's decoder
    /// The process that made the call, and its id there: together they name the call on its whole
    /// way, over several connections and attempts. An origin of 0: not told.
    std::uint64_t origin = 0;
    std::uint64_t origin_id = 0;
    std::uint32_t losses = 0;  // nodes that were lost while they may have run it: see `losses_max`
    std::uint64_t lost = 0;    // the instance of the first of them; 0: not told
};

struct reply {
    std::uint64_t id = 0;
    bytes_view payload;
};

struct failure {
    std::uint64_t id = 0;  // 0: about the connection, not about one call
    std::int64_t code = 0;
    std::string_view detail;
    std::uint64_t retry_after_us = 0;
    bool did_not_run = false;  // known, not guessed
    std::uint32_t losses = 0;  // as in the invoke, those on the way included
    /// With `overloaded`: the node refuses this caller's calls of whichever function. Otherwise
    /// what is full is the function, or is behind the node.
    bool whole_node = false;
};

struct cancel {
    std::uint64_t id = 0;
};

struct ping {
    std::uint64_t token = 0;
};

struct pong {
    std::uint64_t token = 0;
};

/// When the calls behind it in its frame were sent, by the sender's steady clock: how much longer
/// than others they took is seen from it, and nothing else.
struct sent {
    std::uint64_t us = 0;
};

/// That an activation was started for that call (a cold start); its reply follows, in this frame or
/// a later one of the connection. Of a call that no reply follows it means nothing.
struct cold {
    std::uint64_t id = 0;
};

struct goaway {
    std::int64_t code = 0;  // errc: unavailable when stopping, unauthenticated, ...
    std::string_view detail;
};

struct bye {};

/// Its content belongs to the membership of nodes; the envelope does not look into it.
struct gossip {
    bytes_view message;
};

/// A frame that is filled for longer than this says again when the calls behind were sent.
inline constexpr std::chrono::milliseconds sent_every{1};
[[nodiscard]] inline sent sent_at(std::chrono::steady_clock::time_point now) noexcept {
    return {static_cast<std::uint64_t>(now.time_since_epoch() / std::chrono::microseconds(1))};
}

/// Why a frame could not be read on. The rest of the frame is meaningless after `malformed`.
enum class read_status : std::uint8_t {
    envelope,   // one was read; kind() and the accessor of that kind are valid
    skipped,    // an envelope of a kind newer than this build; nothing to do
    end,        // the frame is used up
    malformed,  // not this protocol; problem() says what
};

/// Reads a frame's envelopes one after another.
class frame_reader {
public:
    explicit frame_reader(bytes_view frame) noexcept
        : at_(frame.data()),
          end_(at_ + frame.size()) {}

    /// Reads the next envelope.
    [[nodiscard]] read_status next() noexcept;

    [[nodiscard]] wire::kind kind() const noexcept { return kind_; }
    /// The envelope just read; only the accessor of its kind has a meaning.
    [[nodiscard]] const wire::invoke& invoke() const noexcept { return invoke_; }
    [[nodiscard]] const wire::reply& reply() const noexcept { return reply_; }
    [[nodiscard]] const wire::failure& failure() const noexcept { return failure_; }
    [[nodiscard]] std::uint64_t id_or_token() const noexcept {
        return id_;
    }  // cancel, ping, pong, sent, cold
    [[nodiscard]] const wire::hello& hello() const noexcept { return hello_; }
    [[nodiscard]] const wire::welcome& welcome() const noexcept { return welcome_; }
    [[nodiscard]] const wire::goaway& goaway() const noexcept { return goaway_; }
    [[nodiscard]] const wire::gossip& gossip() const noexcept { return gossip_; }
    /// Of a load, a catalog, a list of members or an offer.
    [[nodiscard]] const item_list& items() const noexcept { return items_; }
    /// One sentence about what was malformed; static text.
    [[nodiscard]] const char* problem() const noexcept { return problem_; }
    /// What has not been read yet.
    [[nodiscard]] bytes_view rest() const noexcept {
        return {at_, static_cast<std::size_t>(end_ - at_)};
    }

private:
    read_status stop(const char* problem) noexcept;

    const std::byte* at_;
    const std::byte* end_;
    wire::kind kind_ = wire::kind::bye;
    std::uint32_t count_ = 0;
    std::uint64_t id_ = 0;
    wire::invoke invoke_;
    wire::reply reply_;
    wire::failure failure_;
    wire::hello hello_;
    wire::goaway goaway_;
    wire::gossip gossip_;
    item_list items_;
    // A welcome is large and comes once per connection: made only when one is read.
    union {
        char no_welcome_ = 0;
        wire::welcome welcome_;
    };
    const char* problem_ = "";
};

// Encoders: each appends one envelope, or throws std::bad_alloc with the frame as it was when the
// buffer may not grow. Beyond its limit a detail is cut, a trace is left out, and a name or a key
// is a programmer's error that ends the process: check first with `name_bytes_max`.
void append(frame_buffer& frame, const hello& envelope);
void append(frame_buffer& frame, const welcome& envelope);
void append(frame_buffer& frame, const invoke& envelope);
void append(frame_buffer& frame, const reply& envelope);
void append(frame_buffer& frame, const failure& envelope);
void append(frame_buffer& frame, const cancel& envelope);
void append(frame_buffer& frame, const ping& envelope);
void append(frame_buffer& frame, const pong& envelope);
void append(frame_buffer& frame, const sent& envelope);
void append(frame_buffer& frame, const cold& envelope);
void append(frame_buffer& frame, const goaway& envelope);
void append(frame_buffer& frame, const bye& envelope);
void append(frame_buffer& frame, const gossip& envelope);
void append(frame_buffer& frame, std::span<const load_item> loads);
void append(frame_buffer& frame, const list_part& part, std::span<const catalog_item> functions);
void append(frame_buffer& frame, const list_part& part, std::span<const member_item> members);
void append(frame_buffer& frame, std::string_view space, std::span<const key_item> offered);

/// For payloads that are encoded in place: writes all of an envelope up to its payload, leaving
/// the payload's length open; `end_payload` fills it in. Between the two only the payload's
/// bytes are appended. `mark` is the offset that begin returned.
[[nodiscard]] std::size_t begin_invoke(frame_buffer& frame, const invoke& envelope_without_payload);
[[nodiscard]] std::size_t begin_reply(frame_buffer& frame, std::uint64_t id);
void end_payload(frame_buffer& frame, std::size_t mark) noexcept;
/// Of an invoke, which may have elements behind its payload. May throw std::bad_alloc.
void end_payload(frame_buffer& frame, std::size_t mark, const invoke& begun);

}  // namespace dunlin::wire
