// SPDX-License-Identifier: Apache-2.0
//
// A value that nobody has decoded yet.
//
// A function that passes values on, stores them or looks at them later takes `raw`: the msgpack
// bytes of exactly one value, checked to be whole, in the payload's memory. It is a view: valid
// until the function has answered. Encoding it copies the bytes. Plain value, any thread.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/codec/reader.hpp>
#include <dunlin/codec/traits.hpp>
#include <dunlin/codec/writer.hpp>

namespace dunlin {

struct raw {
    /// One msgpack value; empty stands for nil.
    bytes_view encoded;
};

template <>
struct codec<raw> {
    static constexpr bool borrows = true;
    static void encode(writer& to, const raw& value) {
        if (value.encoded.empty()) return to.nil();
        to.raw(value.encoded);
    }
    static bool decode(reader& from, raw& value) { return from.raw(value.encoded); }
};

}  // namespace dunlin
