// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/rocks_options.hpp"

#include "runtime/store/store_record.hpp"

#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>

namespace dunlin::runtime::store {
namespace {

constexpr std::size_t mib = 1u << 20;

}  // namespace

bool end_filter::Filter(int /*level*/, const rocksdb::Slice& /*key*/, const rocksdb::Slice& value,
                        std::string* /*new_value*/, bool* /*value_changed*/) const {
    const auto record = read_record(as_bytes({value.data(), value.size()}));
    // What cannot be read stays, for those who look at it.
    return record && may_be_dropped(record->head, now_ms_());
}

rocks_options::rocks_options(const rocks_settings& settings)
    : buffer_bytes_(settings.buffer_bytes),
      filter_(settings.now_ms),
      cache_(rocksdb::NewLRUCache(settings.cache_bytes)),
      // Flushes and compactions leave the disk to the log, whose syncs callers wait for. Twice what
      // a node of two cores writes to its log when it does nothing else.
      pace_(rocksdb::NewGenericRateLimiter(128 * mib)) {}

rocksdb::DBOptions rocks_options::database() const {
    rocksdb::DBOptions options;
    options.paranoid_checks = true;
    // What was applied may not be rolled back: a log that is torn at its end was torn by a crash,
    // before the write was acknowledged; one that is damaged elsewhere is an error. The default
    // stops at the damage and drops what comes after it without a word.
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
    // `rocks_store` opens the database again after any failure, and nothing else recovers from one.
    options.max_bgerror_resume_count = 0;

    // One flush and one compaction at a time: on two cores, the rest is for functions.
    options.max_background_jobs = 2;
    options.rate_limiter = pace_;
    // Written files go to the disk little by little, and not at their end beside a sync of the log.
    options.bytes_per_sync = mib;
    options.db_write_buffer_size = buffer_bytes_;
    // A space that is rarely written must not keep the logs of all others: they are read again
    // after a crash, at some 100 MiB a second.
    options.max_total_wal_size = buffer_bytes_;
    // Descriptors belong to connections. Files of 32 MiB, so that is 8 GiB without reopening any.
    options.max_open_files = 256;
    // Written into by one thread, whose batches are large: what helps many writers costs it time.
    options.allow_concurrent_memtable_write = false;
    options.enable_write_thread_adaptive_yield = false;
    // Files are deleted by threads of the background, and not by who reads.
    options.avoid_unnecessary_blocking_io = true;
    // Only guides compactions, and reads from every file at start.
    options.skip_stats_update_on_db_open = true;
    // An idle node wakes for nothing.
    options.stats_dump_period_sec = 0;
    options.stats_persist_period_sec = 0;
    // RocksDB's own log, which nobody reads until something is wrong.
    options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
    options.max_log_file_size = mib;
    options.keep_log_file_num = 2;
    return options;
}

rocksdb::ColumnFamilyOptions rocks_options::space() const {
    rocksdb::BlockBasedTableOptions table;
    // Keys that are new are looked up before they are first written: at ten bits a key one lookup
    // in a hundred reads a block for nothing.
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.block_cache = cache_;
    // In the cache, so that memory has one bound however many keys there are; those of the newest
    // files, which every lookup asks, stay in it.
    table.cache_index_and_filter_blocks = true;
    table.cache_index_and_filter_blocks_with_high_priority = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;

    rocksdb::ColumnFamilyOptions options;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    options.compaction_filter = &filter_;
    // The cost of an insert grows with the table, above all where it outgrows the caches of the
    // processor. One is filled while others are written.
    options.write_buffer_size = std::max(buffer_bytes_ / 4, std::size_t{64} << 10);
    options.max_write_buffer_number = 4;
    // Batches are sorted, so the place of a key is looked for from that of the one before it. This
    // is how RocksDB is told to; without a hint it begins at the top for nearly each of them. All
    // keys have the prefix of no bytes, and so share one hint.
    options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(0));
    options.target_file_size_base = 32 * mib;
    options.max_bytes_for_level_base = 128 * mib;
    options.level_compaction_dynamic_level_bytes = true;
    // Values are small, and a disk costs less than the time of one core of two.
    options.compression = rocksdb::kNoCompression;
    options.bottommost_compression = rocksdb::kNoCompression;
    return options;
}

rocksdb::WriteOptions rocks_options::durable() {
    rocksdb::WriteOptions options;
    options.sync = true;
    return options;
}

}  // namespace dunlin::runtime::store
