// SPDX-License-Identifier: Apache-2.0
//
// Membership messages as bytes.
//
// msgpack arrays whose first element is the kind. Elements that a newer version appends, and
// updates with a state that this one does not know, are skipped. What comes from peers may be
// anything: a length is checked before it is used, memory is bounded by the size of the message,
// and what does not fit is an error that says where. Pure; any thread.
//
//   ping, ack, ping_req, nack  [kind, sequence, target, updates]
//   gossip                     [kind, updates]
//   digest                     [kind, bucket_bits, [digest...], updates]
//   sync                       [kind, bucket_bits, wants_answer, [bucket...], updates]
//   drain_question             [kind, sequence, updates]
//   drain_answer               [kind, sequence, intent, stamp, updates]
//   update                     [state, incarnation, instance, name, [endpoint...], version,
//                               draining, [accuser...], age_s, serves, store]
// `serves` is nil or a bin, see cluster/served_set.hpp, and `store` the number of a shared store or
// 0; one that is missing counts as nil, or 0. Of dead members they are left out.
#pragma once

#include "runtime/membership/message.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstddef>
#include <optional>
#include <vector>

namespace dunlin::runtime::membership {

/// Replaces what is in `out`. The message keeps to `limits`, as those of `swim` do.
void encode(const message& from, std::vector<std::byte>& out);

/// @returns nothing for a kind of a newer version, which is to be ignored.
/// Errors: `invalid_argument`, with what is wrong and where.
[[nodiscard]] result<std::optional<message>> decode(bytes_view data);

/// No fewer bytes than `said` takes in a message.
[[nodiscard]] std::size_t encoded_bytes_max(const update& said) noexcept;

/// What is wrong with a record, or null: texts and endpoints within limits, an instance. A node
/// checks its own before it starts; peers' are checked by `decode`.
[[nodiscard]] const char* problem_of(const member_record& record) noexcept;

}  // namespace dunlin::runtime::membership
