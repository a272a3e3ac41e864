// SPDX-License-Identifier: Apache-2.0
//
// What nodes tell each other and their clients about the cluster: loads, functions, members, keys.
//
// These come as lists of any length, in envelopes that are checked whole when they are read, so
// walking a list afterwards cannot fail. Long lists come in parts, one envelope each, in order.
// Views point into the frame, as all that is read does. No state, no thread.
#pragma once

#include <dunlin/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dunlin::wire {

inline constexpr std::size_t name_bytes_max = 255;     // function, node and cluster names; keys
inline constexpr std::size_t endpoints_max = 64;       // of one node
inline constexpr std::size_t item_head_bytes_max = 9;  // of a number or a text, before its bytes
inline constexpr std::size_t items_max = 1024;  // in one envelope; longer lists come in parts
/// A sender ends a part before it is longer than this, so that a frame keeps to the smallest limit.
inline constexpr std::size_t list_bytes_max = 64u << 10;
inline constexpr std::size_t gossip_bytes_max = 256u << 10;

/// How long a call would wait at the node that says so.
struct load_item {
    std::uint32_t function = 0;       // its place in the node's catalog, from 0
    std::uint64_t wait_ns = 0;        // of a call that came now
    std::uint64_t step_ns = 0;        // by how much each call makes that longer
    std::uint32_t idle = 0;           // calls that would not wait at all
    std::uint32_t busy_permille = 0;  // of its time for them, recently
    /// Of a function whose calls wait: how many are unanswered there, and how many it should have
    /// at a time. No room: the other numbers tell all, and neither is written.
    std::uint32_t in_flight = 0;
    std::uint32_t room = 0;
};

namespace catalog_flags {
inline constexpr std::uint32_t idempotent = 1;
}

/// One function that a node serves.
struct catalog_item {
    std::string_view name;
    std::string_view module_version;
    std::uint32_t flags = 0;  // unknown bits are ignored
    /// Of a function whose calls have their key in a field of their input: see wire/key_field.hpp.
    std::string_view key_field = {};
    /// Of a function whose calls take turns by key: where the keys are. Who owns one is asked of
    /// the space (`cluster::owned_name`). Empty, as in lists of older nodes: none.
    std::string_view space = {};
};

/// No fewer bytes than the item takes in an envelope.
[[nodiscard]] constexpr std::size_t bytes_max(const catalog_item& item) noexcept {
    return 6 * item_head_bytes_max + item.name.size() + item.module_version.size() +
           item.key_field.size() + item.space.size();
}

/// One living member of the cluster.
struct member_item {
    std::uint64_t instance = 0;
    std::string_view name;
    bool draining = false;  // send it nothing new
    std::array<std::string_view, endpoints_max> endpoints{};
    std::size_t endpoint_count = 0;
    bool tells_serves = false;  // else it counts as one that serves every function
    bytes_view serves = {};     // see cluster/served_set.hpp
};

[[nodiscard]] constexpr std::size_t bytes_max(const member_item& item) noexcept {
    std::size_t bytes = 6 * item_head_bytes_max + item.name.size() + item.serves.size();
    for (std::size_t i = 0; i < item.endpoint_count; ++i)
        bytes += item_head_bytes_max + item.endpoints[i].size();
    return bytes;
}

/// A key of a space that was the sender's, and may be the receiver's by now: it was used much.
struct key_item {
    bytes_view key;  // not empty
};

/// No fewer bytes than the item takes in an envelope.
[[nodiscard]] constexpr std::size_t bytes_max(const key_item& item) noexcept {
    return item_head_bytes_max + item.key.size();
}

/// Which part of a list an envelope holds.
struct list_part {
    std::uint64_t view = 0;   // members only: counts the changes that the sender has seen
    std::uint32_t first = 0;  // the place of the envelope's first item in the list
    std::uint32_t total = 0;  // of the whole list
};

/// The items of one envelope, checked but not taken apart yet.
struct item_list {
    list_part part;
    std::string_view space;   // keys only: where they are
    std::uint32_t count = 0;  // in this envelope
    bytes_view encoded;
};

/// Takes the next item off the list. @returns false when none is left.
[[nodiscard]] bool take(item_list& from, load_item& out) noexcept;
[[nodiscard]] bool take(item_list& from, catalog_item& out) noexcept;
[[nodiscard]] bool take(item_list& from, member_item& out) noexcept;
[[nodiscard]] bool take(item_list& from, key_item& out) noexcept;

}  // namespace dunlin::wire
