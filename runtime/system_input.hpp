// SPDX-License-Identifier: Apache-2.0
//
// What one of the node's own functions is given, as JSON.
//
// Anybody who may call it sends it. The JSON library's reader calls itself for each level, so a
// payload of nothing but opened arrays would use up the thread's stack and end the node; here the
// SDK's reader, which bounds the depth, looks at it first. Pure; any thread. For source files only.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/codec.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>

namespace dunlin::runtime {

/// `is_discarded()` of what is not one msgpack value, or too deep.
template <class Json>
[[nodiscard]] Json read_system_input(const std::uint8_t* payload, std::size_t size) {
    reader checked(bytes_view(reinterpret_cast<const std::byte*>(payload), size));
    if (bytes_view whole; !checked.raw(whole)) return Json(Json::value_t::discarded);
    return Json::from_msgpack(payload, payload + size, true, false);
}

}  // namespace dunlin::runtime
