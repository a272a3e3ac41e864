// SPDX-License-Identifier: Apache-2.0
//
// msgpack-cxx as a second opinion about payloads.
//
// The SDK has its own reader and writer; tests compare them with a library that others wrote.
// `packed` makes bytes as that library writes them, `unpacked` reads bytes as it reads them.
// Everything is a value; one thread.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/codec.hpp>

#ifndef MSGPACK_NO_BOOST
#define MSGPACK_NO_BOOST
#endif
#include <msgpack.hpp>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <utility>

namespace dunlin::testing {

/// What msgpack-cxx writes: `packed([](auto& to) { to.pack_array(2); ... })`.
template <class Write>
[[nodiscard]] bytes packed(Write&& write) {
    msgpack::sbuffer memory;
    msgpack::packer<msgpack::sbuffer> to(memory);
    std::forward<Write>(write)(to);
    return bytes(std::string_view(memory.data(), memory.size()));
}

template <class T>
[[nodiscard]] bytes packed_value(const T& value) {
    return packed([&](auto& to) { to.pack(value); });
}

/// What msgpack-cxx reads; throws when the payload is not exactly one value.
[[nodiscard]] inline msgpack::object_handle unpacked(bytes_view payload) {
    std::size_t end = 0;
    auto handle =
        msgpack::unpack(reinterpret_cast<const char*>(payload.data()), payload.size(), end);
    if (end != payload.size()) throw std::runtime_error("more than one value");
    return handle;
}

template <class T>
[[nodiscard]] T unpacked_as(bytes_view payload) {
    return unpacked(payload).get().as<T>();
}

[[nodiscard]] inline bytes octets(std::initializer_list<unsigned> values) {
    std::string out;
    for (const unsigned value : values) out += static_cast<char>(value);
    return bytes(out);
}

/// What the SDK's reader has against the payload.
template <class T>
[[nodiscard]] std::string refusal(const bytes& payload) {
    const auto value = decode<T>(payload);
    if (value) return "accepted";
    return value.error().code == errc::invalid_argument ? value.error().detail
                                                        : to_string(value.error());
}

}  // namespace dunlin::testing
