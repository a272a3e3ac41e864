// SPDX-License-Identifier: Apache-2.0
//
// Values to payloads and back.
//
// A payload is one msgpack value. `encode` turns any type that has a codec into it and `decode`
// back, with an error that names the place when the payload does not fit:
//
//     dunlin::bytes payload = dunlin::encode(page{.url = "a", .text = "b"});
//     dunlin::result<page> back = dunlin::decode<page>(payload);
//
// The table of types is in the SDK's README; your own types join through DUNLIN_FIELDS
// (`dunlin/fields.hpp`) or a specialisation of `codec`. Functions without state: any thread.
#pragma once

#include <dunlin/abi.h>
#include <dunlin/bytes.hpp>
#include <dunlin/codec/containers.hpp>
#include <dunlin/codec/raw.hpp>
#include <dunlin/codec/reader.hpp>
#include <dunlin/codec/scalars.hpp>
#include <dunlin/codec/sums.hpp>
#include <dunlin/codec/traits.hpp>
#include <dunlin/codec/writer.hpp>
#include <dunlin/detail/type_name.hpp>
#include <dunlin/fields.hpp>
#include <dunlin/result.hpp>

#include <string_view>
#include <type_traits>

namespace dunlin {
namespace detail {

/// Encodes the value behind a pointer; lets compiled code encode types it does not know.
using encode_function = void (*)(dunlin_buffer& to, const void* value);

[[nodiscard]] bytes encode_owned(encode_function encode, const void* value);

/// What paths in errors start with: a struct's name, or "payload".
template <class T>
constexpr std::string_view root_name() {
    if constexpr (described<T>) {
        return type_name<T>();
    } else {
        return "payload";
    }
}

template <class T>
[[nodiscard]] result<T> decode_whole(reader& from) {
    static_assert(decodable<T>,
                  "no payload can become this type: give it DUNLIN_FIELDS, or specialise "
                  "dunlin::codec for it");
    result<T> value;
    if (codec<T>::decode(from, *value) && from.finish()) return value;
    return from.take_error(root_name<T>());
}

/// Turns a decode error of a reply into what the caller of the function should see.
[[nodiscard]] error reply_error(error why);

}  // namespace detail

/// Appends `value`. Throws `call_error` (`invalid_argument`) when the buffer may not grow as far.
template <class T>
void encode(dunlin_buffer& to, const T& value) {
    static_assert(encodable<T>,
                  "this type cannot become a payload: give it DUNLIN_FIELDS, or specialise "
                  "dunlin::codec for it");
    writer out(to);
    codec<T>::encode(out, value);
}

namespace detail {

template <class T>
void encode_erased(dunlin_buffer& to, const void* value) {
    encode(to, *static_cast<const T*>(value));
}

}  // namespace detail

template <class T>
[[nodiscard]] bytes encode(const T& value) {
    return detail::encode_owned(&detail::encode_erased<T>, &value);
}

/// Views in the value point into `payload`'s memory; `bytes` in it are copies.
template <class T>
[[nodiscard]] result<T> decode(bytes_view payload) {
    reader from(payload);
    return detail::decode_whole<T>(from);
}

/// Views in the value point into `payload`'s memory, which has to outlive them; `bytes` in it
/// share that memory and keep it alive themselves.
template <class T>
[[nodiscard]] result<T> decode(const bytes& payload) {
    reader from(payload);
    return detail::decode_whole<T>(from);
}

/// Decodes what a function answered. It ran whatever comes of this, so a reply that does not fit
/// T is `errc::failed`, with the place in the detail.
template <class T, class Payload>
[[nodiscard]] result<T> decode_reply(const Payload& payload) {
    result<T> value = decode<T>(payload);
    if (!value) return detail::reply_error(std::move(value.error()));
    return value;
}

}  // namespace dunlin
