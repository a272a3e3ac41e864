// SPDX-License-Identifier: Apache-2.0
//
// What tests of stores do again and again, in few words: one write, one read, all keys of a list.
#pragma once

#include "actors/state/state_store.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::tests {

/// Of a value under a key, made from a version. Views of the key and the value.
[[nodiscard]] inline actors::state_write put(std::uint32_t space, std::string_view key,
                                             std::uint64_t expected, std::uint64_t version,
                                             std::string_view value) {
    actors::state_write made;
    made.space = space;
    made.key = as_bytes(key);
    made.expected = expected;
    made.version = version;
    made.value = as_bytes(value);
    return made;
}

[[nodiscard]] inline actors::state_write erase(std::uint32_t space, std::string_view key,
                                               std::uint64_t expected, std::uint64_t version) {
    auto made = put(space, key, expected, version, {});
    made.present = false;
    return made;
}

/// @returns the outcome; throws when the store fails.
inline actors::write_outcome write_one(actors::state_store& store, actors::state_write one) {
    store.write({&one, 1}).value();
    return one.outcome;
}

[[nodiscard]] inline actors::stored_state read_one(actors::state_store& store, std::uint32_t space,
                                                   std::string_view key) {
    actors::state_read one;
    one.space = space;
    one.key = as_bytes(key);
    store.read({&one, 1}).value();
    return std::move(one.found);
}

[[nodiscard]] inline std::string text_of(const actors::stored_state& state) {
    return std::string(as_text(state.value));
}

[[nodiscard]] inline std::vector<std::string> keys_of(
    const std::vector<actors::listed_state>& listed) {
    std::vector<std::string> keys;
    for (const auto& each : listed) keys.push_back(each.key);
    return keys;
}

}  // namespace dunlin::tests
