// SPDX-License-Identifier: Apache-2.0
//
// The directory that a node's state is in, for one process at a time.
//
// Two processes in one database, or a database in a directory that belongs to something else,
// would destroy what is there. `claim` finds out before it touches anything: the directory is new,
// empty, or one that Dunlin made, for this cluster and node, in a format that this version
// knows; then it is locked until this is gone, also when the process is killed. In the directory:
//
//     dunlin-data    what it is, see store_marker.hpp
//     dunlin-lock    held locked; has the process's number in it, for the process that comes second
//     rocks/         the database
//
// Errors are sentences that name the directory, say what is wrong with it and what to do. One
// owner, one thread.
#pragma once

#include "runtime/store/store_marker.hpp"

#include <dunlin/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::runtime::store {

class data_directory {
public:
    /// Makes the directory where there is none; its parent has to be there. `node` empty: whose
    /// directory it is is not compared.
    [[nodiscard]] static result<data_directory> claim(std::string path, std::string_view cluster,
                                                      std::string_view node);
    data_directory(data_directory&& other) noexcept;
    data_directory& operator=(data_directory&&) = delete;
    data_directory(const data_directory&) = delete;
    data_directory& operator=(const data_directory&) = delete;
    ~data_directory();

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string database() const { return path_ + "/rocks"; }
    /// Whether there is a database that was made whole.
    [[nodiscard]] bool ready() const noexcept { return marker_.ready; }
    /// Before the database is opened: whether its list of files is as long as it was.
    [[nodiscard]] result<void> check_manifest() const;
    /// After it was opened or closed: it is whole, and its list of files is so long. Tells nothing
    /// new: does nothing.
    [[nodiscard]] result<void> note_ready();
    /// Bytes that a process without privileges may still write there; all of 2^64 when not known.
    [[nodiscard]] std::uint64_t free_bytes() const noexcept;

private:
    data_directory(std::string path, store_marker marker, int lock) noexcept;

    std::string path_;
    store_marker marker_;
    int lock_;  // a descriptor
};

/// "data directory ./d: " and the problem.
[[nodiscard]] error bad_directory(errc code, const std::string& path, std::string_view problem);

}  // namespace dunlin::runtime::store
