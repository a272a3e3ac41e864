// SPDX-License-Identifier: Apache-2.0
//
// How RocksDB is set up: for a node that shares a small machine with its functions, with each
// choice's reason beside it in the .cpp. Also what is dropped when it rewrites files.
#pragma once

#include "runtime/store/rocks_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/options.h>
#include <rocksdb/rate_limiter.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace dunlin::runtime::store {

/// Drops tombstones and expired values that `may_be_dropped`. Used by RocksDB's threads at once.
class end_filter final : public rocksdb::CompactionFilter {
public:
    explicit end_filter(std::function<std::int64_t()> now_ms) : now_ms_(std::move(now_ms)) {}

    bool Filter(int level, const rocksdb::Slice& key, const rocksdb::Slice& value,
                std::string* new_value, bool* value_changed) const override;
    const char* Name() const override { return "dunlin.ended"; }

private:
    const std::function<std::int64_t()> now_ms_;
};

/// What stays while a database is closed and opened again.
class rocks_options {
public:
    explicit rocks_options(const rocks_settings& settings);

    [[nodiscard]] rocksdb::DBOptions database() const;
    [[nodiscard]] rocksdb::ColumnFamilyOptions space() const;
    [[nodiscard]] static rocksdb::WriteOptions durable();

private:
    const std::size_t buffer_bytes_;
    end_filter filter_;
    std::shared_ptr<rocksdb::Cache> cache_;
    std::shared_ptr<rocksdb::RateLimiter> pace_;
};

}  // namespace dunlin::runtime::store
