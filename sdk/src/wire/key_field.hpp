// SPDX-License-Identifier: Apache-2.0
//
// The key of a call, from the field of its input that is named as its key.
//
// Nodes and clients have to know the key before they can choose where a call goes, without the
// module and without decoding the input: a path of field names, "visitor" or "customer.id", leads
// through msgpack maps to a text, to bytes or to an integer. Text and bytes are the key as they
// are; an integer is its decimal digits, so that all widths of msgpack give one key. Nothing is
// guessed: a field that is missing, or holds something else, gives a problem instead of a key. What
// stands behind the field is not looked at; the function's own decoder refuses it if it is wrong.
// Payloads come from strangers: no length is believed, nothing is allocated. Pure.
#pragma once

#include "wire/cluster_items.hpp"
#include "wire/msgpack_cursor.hpp"

#include <dunlin/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::wire {

/// Room for the digits of any integer, with its sign.
using key_digits = std::array<char, 20>;

enum class key_problem : std::uint8_t {
    none,
    malformed,  // what stands in front of the field, or the field itself, is no msgpack
    no_map,     // where a field is looked for there is no map
    absent,
    wrong_type,
    empty,
    too_long,  // for a key
};

struct found_key {
    bytes_view key;  // in the payload, or in the digits
    key_problem problem = key_problem::none;
};

/// @param path at least one name; names are separated by dots
[[nodiscard]] found_key find_key(bytes_view payload, std::string_view path,
                                 key_digits& digits) noexcept;

/// What the caller is told: a clause that begins with "the key is the field" and names it.
[[nodiscard]] std::string describe(key_problem problem, std::string_view path);

}  // namespace dunlin::wire
