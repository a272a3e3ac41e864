// SPDX-License-Identifier: Apache-2.0
//
// What nodes say to each other to know who is there.
//
// Every message carries updates: statements about members that travel along with whatever is
// sent anyway. Messages know nothing of links or bytes; `message_codec` does. Values; any thread.
#pragma once

#include "runtime/membership/member.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::runtime::membership {

/// A statement about a member.
struct update {
    member_state state = member_state::alive;
    incarnation_number incarnation = 0;
    record_ptr record;                  // never null
    std::vector<instance_id> accusers;  // suspect: who has probed it in vain
    std::uint32_t age_s = 0;            // dead, left: since when
};

/// Numbers are on the wire.
enum class message_kind : std::uint8_t {
    ping = 1,            // are you there?
    ack = 2,             // the target is
    ping_req = 3,        // ask the target for me
    nack = 4,            // I asked, and it has not answered me yet either
    gossip = 5,          // nothing but updates
    digest = 6,          // this is the checksum of my list; is it yours?
    sync = 7,            // these parts of my list differ from yours
    drain_question = 8,  // I am told to leave; are you about to leave, too?
    drain_answer = 9,
};

/// Whether a node goes on taking calls. Numbers are on the wire.
enum class drain_intent : std::uint8_t {
    stays = 0,
    asks = 1,    // is told to leave, and asks the others
    leaves = 2,  // for certain
};

struct message {
    message_kind kind = message_kind::gossip;

    std::uint32_t sequence = 0;        // ping, ack, ping_req, nack: the asker's number;
                                       // drain_question, drain_answer: the question's stamp
    instance_id target = no_instance;  // the same: who is asked for

    /// digest, sync: the list is cut in 2^bucket_bits parts by instance.
    std::uint8_t bucket_bits = 0;
    bool wants_answer = false;           // sync
    std::vector<std::uint64_t> digests;  // digest: one for each bucket
    std::vector<std::uint32_t> buckets;  // sync: those whose records are all in here

    /// drain_answer: what the answering node is about to do, and the stamp of its own question.
    drain_intent intent = drain_intent::stays;
    std::uint32_t stamp = 0;

    std::vector<update> updates;
};

namespace limits {
/// A node's name, an endpoint and a version: as in the handshake.
inline constexpr std::size_t text_bytes_max = 255;
/// Lanes of a node: as in the handshake.
inline constexpr std::size_t endpoints_max = 64;
/// More confirmations than this change nothing.
inline constexpr std::size_t accusers_max = 4;
/// Buckets hold about 16 records in a cluster of 65,536, and fewer in smaller ones.
inline constexpr unsigned bucket_bits_max = 12;
/// A part of a list: about 5 KB. Buckets are not torn, so a part may go beyond.
inline constexpr std::size_t sync_records = 64;
/// What a reader accepts: four times what any writer sends.
inline constexpr std::size_t updates_max = 1024;
/// A reader looks at nothing longer. The most that is sent is a full digest, 37 KB, with updates.
inline constexpr std::size_t message_bytes_max = 1024 * 1024;
/// Nobody is suspected this often; more is a broken peer, and would leave no number to refute it.
inline constexpr incarnation_number incarnation_max = 0xf000'0000u;
/// Only the member itself raises its incarnation, from 1 on, and no cluster suspects one so often.
/// Beyond this number nobody is believed but the member itself: others could talk it past what
/// everybody believes, and it could contradict no more.
inline constexpr incarnation_number incarnation_hearsay_max = 1u << 20;
/// How far beyond what is known an incarnation may be that a member says of itself.
inline constexpr incarnation_number incarnation_jump_max = 1u << 20;
}  // namespace limits

}  // namespace dunlin::runtime::membership
