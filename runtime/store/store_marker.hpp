// SPDX-License-Identifier: Apache-2.0
//
// The file that says what a data directory is: `dunlin-data`, a few lines of text.
//
//     dunlin data
//     format 1
//     cluster shop
//     node a
//     ready yes
//     manifest MANIFEST-000005 1234
//
// It is written before anything else, so that a directory without it is none of ours. `ready` says
// that the database in it was made whole: what comes before that holds nothing, what comes after is
// never made anew. `manifest` is how long the database's list of its files was when it was last
// opened or closed; a shorter one has lost files that nobody would miss otherwise. Pure.
#pragma once

#include <dunlin/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::runtime::store {

/// Of the files and of what is in them.
inline constexpr std::uint64_t data_format = 1;
inline constexpr std::size_t marker_bytes_max = 4096;

struct store_marker {
    std::string cluster;
    std::string node;  // empty: any
    bool ready = false;
    std::string manifest;  // the file's name; empty: not known
    std::uint64_t manifest_bytes = 0;

    friend bool operator==(const store_marker&, const store_marker&) = default;
};

/// The names are such as `check_shown_name` lets pass: of one line.
[[nodiscard]] std::string write_marker(const store_marker& marker);

/// An error's detail is the rest of a sentence that begins with the file's path.
[[nodiscard]] result<store_marker> read_marker(std::string_view text);

}  // namespace dunlin::runtime::store
