// SPDX-License-Identifier: Apache-2.0
//
// Reads what nodes say of themselves, which may come from another version: a field that is missing
// or of another type has its default. Pure; any thread. For source files only.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

namespace dunlin::program {

using json = nlohmann::ordered_json;

/// What a reply holds; `is_discarded()` if JSON cannot tell it, such as a map whose keys are not
/// texts. The codec has checked how deeply the reply is nested.
[[nodiscard]] inline json read_value(bytes_view payload) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(payload.data());
    return json::from_msgpack(bytes, bytes + payload.size(), true, false);
}

/// An array of objects. `what` names it in the error.
[[nodiscard]] inline result<json> read_objects(bytes_view payload, const std::string& what) {
    auto list = read_value(payload);
    const bool good =
        list.is_array() &&
        std::all_of(list.begin(), list.end(), [](const json& each) { return each.is_object(); });
    if (!good)
        return {errc::internal,
                "the node's " + what + " is no array of maps; it may speak a newer version"};
    return list;
}

[[nodiscard]] inline std::string text_in(const json& object, const char* key) {
    const auto value = object.find(key);
    return value != object.end() && value->is_string() ? value->get<std::string>() : "";
}

[[nodiscard]] inline std::uint64_t count_in(const json& object, const char* key) {
    const auto value = object.find(key);
    return value != object.end() && value->is_number_unsigned() ? value->get<std::uint64_t>() : 0;
}

[[nodiscard]] inline double number_in(const json& object, const char* key) {
    const auto value = object.find(key);
    const double number = value != object.end() && value->is_number() ? value->get<double>() : 0.0;
    return std::isfinite(number) ? number : 0.0;
}

/// One object a line, as an array.
[[nodiscard]] inline std::string lines_of(const json& list) {
    std::string text = "[";
    for (const auto& each : list)
        text += (text.size() > 1 ? ",\n " : "") +
                each.dump(-1, ' ', false, json::error_handler_t::replace);
    return text + "]\n";
}

}  // namespace dunlin::program
