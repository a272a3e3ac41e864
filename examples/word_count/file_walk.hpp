// SPDX-License-Identifier: Apache-2.0
//
// Goes through folders and names the regular files in them, one at a time.
//
// Symbolic links inside a folder are not followed, so nothing is seen twice and nothing loops; a
// link given as a start is. What cannot be opened is counted and passed over. Keeps the folders
// still to visit in memory, not the files. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace word_count {

/// Where to look.
struct walk_start {
    std::filesystem::path path;
    /// Only files whose name begins with README.
    bool readmes_only = false;
};

/// Text that is on every Debian machine.
[[nodiscard]] std::vector<walk_start> usual_texts();

class file_walk {
public:
    /// A start is visited once, also when it is given twice or is inside another.
    explicit file_walk(std::vector<walk_start> starts);

    /// The next file, or nothing at the end.
    [[nodiscard]] std::optional<std::filesystem::path> next();
    /// Folders that could not be read.
    [[nodiscard]] std::uint64_t unreadable() const noexcept { return unreadable_; }

private:
    [[nodiscard]] bool is_start(const std::filesystem::path& path) const;
    /// Goes to the next place. @returns it, should it be a file.
    [[nodiscard]] std::optional<std::filesystem::path> open_next();
    /// @returns whether the entry is a file to name; a folder is kept for later.
    [[nodiscard]] bool visit(const std::filesystem::directory_entry& entry);

    std::vector<walk_start> starts_;
    std::vector<walk_start> waiting_;
    std::filesystem::directory_iterator here_;
    bool readmes_only_ = false;
    std::uint64_t unreadable_ = 0;
};

}  // namespace word_count
