// SPDX-License-Identifier: Apache-2.0
//
// The store of one node, in a directory: RocksDB, embedded.
//
// Each space is a column family. A batch is one `WriteBatch`, written to the log and synced before
// `write` returns, which makes it the group commit of all that is in it. What was acknowledged is
// there after the process was killed and after the machine lost power, if the disk keeps its word.
//
// The directory belongs to one process (data_directory.hpp), so that versions can be checked before
// a batch is written: against those that were read or written last (version_table.hpp), and in the
// database where that does not tell.
//
// When RocksDB fails, of itself or because the disk is full, every write is refused until it is
// closed and opened again, which the next `write` does when there is room: what is on disk is then
// read as after a crash, and nothing depends on how far the failed write came. Reads go on
// meanwhile. A checksum that does not fit is an error of who reads there, and never another value.
//
// `write` and `open_space` are for one thread, `read` and `list` for any number beside it.
#pragma once

#include "actors/state/state_store.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace dunlin::runtime::store {

struct rocks_settings {
    std::string directory;  // made where there is none
    std::string cluster;
    std::string node;  // empty: one that has no name of its own, so that it is not compared
    /// What all spaces together hold in memory until it is written to sorted files. More makes for
    /// fewer of those, and for writes that cost more of the processor; after a crash, so much is
    /// read again before the node serves.
    std::size_t buffer_bytes = 32u << 20;
    /// For blocks of sorted files. Values that are hot are in the node's own cache, so this one is
    /// for indexes and filters above all: 1,000,000 keys need some 10 MiB.
    std::size_t cache_bytes = 64u << 20;
    /// How many keys' versions are known without a lookup: at 32 bytes each, which are taken when
    /// there are so many keys.
    std::size_t known_versions = 1u << 20;
    /// The wall clock, in ms since 1970; tests have their own. From any thread.
    std::function<std::int64_t()> now_ms;
};

/// Opens the store, or makes it. An error says what is wrong with the directory and what to do.
[[nodiscard]] result<std::unique_ptr<actors::state_store>> open_rocks_store(
    rocks_settings settings);

}  // namespace dunlin::runtime::store
