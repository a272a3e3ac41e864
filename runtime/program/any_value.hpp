// SPDX-License-Identifier: Apache-2.0
//
// A payload of any shape: a request that is msgpack already, a reply that nobody decodes.
//
// Unlike `dunlin::raw` it keeps its memory alive, so it can be a reply's type: what came from the
// network is shared, not copied. Plain value.
#pragma once

#include <dunlin/codec.hpp>

namespace dunlin::program {

struct any_value {
    /// One msgpack value.
    bytes encoded;
};

}  // namespace dunlin::program

template <>
struct dunlin::codec<dunlin::program::any_value> {
    static void encode(writer& to, const program::any_value& value) {
        to.raw(value.encoded.view());
    }
    static bool decode(reader& from, program::any_value& value) {
        bytes_view whole;
        if (!from.raw(whole)) return false;
        value.encoded = from.owner() != nullptr ? bytes(*from.owner(), whole) : bytes(whole);
        return true;
    }
};
