// SPDX-License-Identifier: Apache-2.0
//
// A RocksDB database while it is open, and what its errors mean.
//
// RocksDB wants every column family named when it is opened and every handle given back before it
// is closed, and tells of failures of its own threads by a callback. This keeps that together.
// One owner; the database itself is safe from any thread, `make` is not.
#pragma once

#include "runtime/store/data_directory.hpp"
#include "runtime/store/rocks_options.hpp"

#include <dunlin/result.hpp>

#include <rocksdb/db.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace dunlin::runtime::store {

class failure_watch;

class rocks_database {
public:
    /// Opens the database of a directory, or makes it in one that is not ready.
    [[nodiscard]] static result<std::unique_ptr<rocks_database>> open(
        const rocks_options& options, const data_directory& directory);
    rocks_database(const rocks_database&) = delete;
    rocks_database& operator=(const rocks_database&) = delete;
    ~rocks_database();

    [[nodiscard]] rocksdb::DB& operator*() const noexcept { return *database_; }
    [[nodiscard]] rocksdb::DB* operator->() const noexcept { return database_.get(); }

    /// The family of a space; null: there is none.
    [[nodiscard]] rocksdb::ColumnFamilyHandle* find(std::string_view space) const;
    [[nodiscard]] result<rocksdb::ColumnFamilyHandle*> make(std::string_view space,
                                                            const rocks_options& options);
    /// Whether a thread of RocksDB's has failed, so that writes will, and why; from any thread.
    [[nodiscard]] bool failed() const;
    [[nodiscard]] rocksdb::Status failure() const;
    /// Bytes that are in the log alone.
    [[nodiscard]] std::uint64_t buffered_bytes() const;
    /// Moves them to sorted files, so that the next start has no log to read.
    void flush();

    /// What a status of this directory's database means to an operator.
    [[nodiscard]] static error explain(const std::string& path, const rocksdb::Status& status);

private:
    explicit rocks_database(std::string path);

    const std::string path_;  // of the data directory
    std::shared_ptr<failure_watch> watch_;
    std::unique_ptr<rocksdb::DB> database_;
    std::map<std::string, rocksdb::ColumnFamilyHandle*, std::less<>> families_;
};

}  // namespace dunlin::runtime::store
