// SPDX-License-Identifier: Apache-2.0
//
// Counts the words of all text files of some folders, by calling a node.
//
// Files that hold a NUL byte in their first 8 KiB are passed over as binary, those that cannot be
// read as unreadable, and both are counted. One thread; returns when every answer is in, when a
// call failed, or soon after `interrupted` became true (`cancelled`).
#pragma once

#include "call_window.hpp"
#include "file_walk.hpp"
#include "progress.hpp"

#include <dunlin/client.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace word_count {

struct tree_totals {
    window_totals calls;
    std::uint64_t files = 0;
    std::uint64_t binary = 0;      // files
    std::uint64_t unreadable = 0;  // files and folders
    std::chrono::duration<double> seconds{0};
};

/// `totals` is filled in also when the count ends early.
dunlin::result<void> count_tree(dunlin::client& client, std::vector<walk_start> starts,
                                std::size_t chunk_bytes, const window_options& window,
                                const std::atomic<bool>& interrupted, progress& shown,
                                tree_totals& totals);

}  // namespace word_count
