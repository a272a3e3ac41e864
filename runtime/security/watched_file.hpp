// SPDX-License-Identifier: Apache-2.0
//
// Whether a file has been changed, replaced or taken away since one last looked.
//
// By what the file system says of it, without reading it: a file that is written in place has
// another time of change, one that is moved over it has another inode. For one thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

namespace dunlin::runtime {

class watched_file {
public:
    /// Takes the file as it is now for known.
    explicit watched_file(std::string path) : path_(std::move(path)), known_(look()) {}

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// Look first and read afterwards: what changes in between is told the next time.
    [[nodiscard]] bool changed() {
        const auto now = look();
        return std::exchange(known_, now) != now;
    }

private:
    // There or not, device, inode, size, and seconds and nanoseconds of both times.
    using traits = std::tuple<bool, std::uint64_t, std::uint64_t, std::int64_t, std::int64_t,
                              std::int64_t, std::int64_t, std::int64_t>;

    [[nodiscard]] traits look() const {
        struct stat found {};
        if (::stat(path_.c_str(), &found) != 0) return {};
        return {true,
                found.st_dev,
                found.st_ino,
                found.st_size,
                found.st_mtim.tv_sec,
                found.st_mtim.tv_nsec,
                found.st_ctim.tv_sec,
                found.st_ctim.tv_nsec};
    }

    const std::string path_;
    traits known_;
};

}  // namespace dunlin::runtime
