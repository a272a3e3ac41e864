// SPDX-License-Identifier: Apache-2.0
//
// What `store_child` writes under its keys, and what it says on its standard output, for the tests
// that start it and judge what it left. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace dunlin::tests {

/// A key and its version: first of all keys as they were found, then of those that were written,
/// as soon as the store has said so.
struct child_report {
    std::uint32_t key = 0;
    std::uint32_t version = 0;
};

inline constexpr std::uint32_t child_keys = 64;

[[nodiscard]] inline std::string child_key(std::uint32_t key) {
    return "key/" + std::to_string(key);
}

/// Every seventh version is none.
[[nodiscard]] inline bool child_present(std::uint32_t version) { return version % 7 != 0; }

/// Up to 9 KiB, so that rounds of a few hundred make files and have them merged.
[[nodiscard]] inline std::string child_value(std::uint32_t key, std::uint32_t version) {
    std::string value = child_key(key) + "@" + std::to_string(version) + " ";
    value.resize(value.size() + (key * 131 + version * 977) % 9000,
                 static_cast<char>('a' + (key + version) % 26));
    return value;
}

}  // namespace dunlin::tests
