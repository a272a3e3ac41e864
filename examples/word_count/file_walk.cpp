// SPDX-License-Identifier: Apache-2.0
#include "file_walk.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace word_count {

namespace fs = std::filesystem;

std::vector<walk_start> usual_texts() {
    std::vector<walk_start> starts{{"/usr/share/common-licenses"}, {"/usr/share/doc"}};
    for (const char* folder : {"/etc", "/usr/lib", "/usr/share"}) {
        starts.push_back({folder, true});
    }
    std::erase_if(starts, [](const walk_start& start) {
        std::error_code ignored;
        return !fs::is_directory(start.path, ignored);
    });
    return starts;
}

file_walk::file_walk(std::vector<walk_start> starts) {
    for (walk_start& start : starts) {
        // "doc/" and "doc" are one folder.
        if (!start.path.has_filename()) start.path = start.path.parent_path();
        if (!is_start(start.path)) starts_.push_back(std::move(start));
    }
    waiting_.assign(starts_.rbegin(), starts_.rend());
}

bool file_walk::is_start(const fs::path& path) const {
    return std::any_of(starts_.begin(), starts_.end(),
                       [&](const walk_start& start) { return start.path == path; });
}

bool file_walk::visit(const fs::directory_entry& entry) {
    std::error_code failed;
    const fs::file_type type = entry.symlink_status(failed).type();
    if (type == fs::file_type::directory) {
        if (!is_start(entry.path())) waiting_.push_back({entry.path(), readmes_only_});
        return false;
    }
    if (type != fs::file_type::regular) return false;
    return !readmes_only_ || entry.path().filename().native().starts_with("README");
}

std::optional<fs::path> file_walk::open_next() {
    walk_start from = std::move(waiting_.back());
    waiting_.pop_back();
    readmes_only_ = from.readmes_only;
    std::error_code failed;
    if (fs::is_regular_file(from.path, failed)) return std::move(from.path);
    here_ = fs::directory_iterator(from.path, failed);
    if (failed) ++unreadable_;
    return std::nullopt;
}

std::optional<fs::path> file_walk::next() {
    for (;;) {
        while (here_ != fs::directory_iterator()) {
            const fs::directory_entry entry = *here_;
            std::error_code failed;
            here_.increment(failed);
            if (failed) ++unreadable_;
            if (visit(entry)) return entry.path();
        }
        if (waiting_.empty()) return std::nullopt;
        if (auto file = open_next()) return file;
    }
}

}  // namespace word_count
