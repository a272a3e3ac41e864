// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/rocks_database.hpp"

#include "support/signal_mask.hpp"

#include <rocksdb/env.h>
#include <rocksdb/listener.h>

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

namespace dunlin::runtime::store {

// Listens for failures of flushes, compactions and writes.
class failure_watch final : public rocksdb::EventListener {
public:
    void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                           rocksdb::Status* status) override {
        const std::lock_guard lock(mutex_);
        if (!failed_.load(std::memory_order_relaxed)) status_ = *status;
        failed_.store(true, std::memory_order_release);
    }
    // RocksDB would wait for room by itself and go on in the log that is torn where it failed.
    // Opening it again is the same after every failure.
    void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*status*/,
                              bool* recover) override {
        *recover = false;
    }

    [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
    [[nodiscard]] rocksdb::Status status() const {
        const std::lock_guard lock(mutex_);
        return status_;
    }

private:
    mutable std::mutex mutex_;
    std::atomic<bool> failed_{false};
    rocksdb::Status status_;
};

namespace {

// Apart from the family that RocksDB always has, whatever a space is called.
std::string family_name(std::string_view space) { return "space/" + std::string(space); }

// A write that comes after a flush has failed is told that it is incomplete, with the flush's
// reason in words only: the code of the reason is lost on the way.
bool lacks_space(const rocksdb::Status& status) {
    return status.IsNoSpace() ||
           (status.IsIncomplete() && status.ToString().find("No space left") != std::string::npos);
}

// The families that are there: all of them have to be opened.
result<std::vector<std::string>> family_names(const rocksdb::DBOptions& options,
                                              const data_directory& directory) {
    std::vector<std::string> names;
    const auto path = directory.database();
    if (!directory.ready() && !rocksdb::Env::Default()->FileExists(path + "/CURRENT").ok())
        return std::vector<std::string>{rocksdb::kDefaultColumnFamilyName};
    const auto status = rocksdb::DB::ListColumnFamilies(options, path, &names);
    if (!status.ok()) return rocks_database::explain(directory.path(), status);
    return names;
}

}  // namespace

rocks_database::rocks_database(std::string path)
    : path_(std::move(path)),
      watch_(std::make_shared<failure_watch>()) {}

result<std::unique_ptr<rocks_database>> rocks_database::open(const rocks_options& options,
                                                             const data_directory& directory) {
    std::unique_ptr<rocks_database> opened(new rocks_database(directory.path()));
    auto of_database = options.database();
    of_database.create_if_missing = !directory.ready();
    of_database.listeners.push_back(opened->watch_);
    const auto names = family_names(of_database, directory);
    if (!names) return names.error();
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const auto& name : *names) families.emplace_back(name, options.space());

    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* database = nullptr;
    rocksdb::Status status;
    {
        const support::signals_blocked quiet;  // in the threads that it starts
        status =
            rocksdb::DB::Open(of_database, directory.database(), families, &handles, &database);
    }
    if (!status.ok()) return explain(directory.path(), status);
    opened->database_.reset(database);
    for (std::size_t i = 0; i < handles.size(); ++i)
        opened->families_.emplace((*names)[i], handles[i]);
    return opened;
}

rocks_database::~rocks_database() {
    if (!database_) return;
    for (const auto& [name, family] : families_)
        database_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
}

rocksdb::ColumnFamilyHandle* rocks_database::find(std::string_view space) const {
    const auto at = families_.find(family_name(space));
    return at == families_.end() ? nullptr : at->second;
}

result<rocksdb::ColumnFamilyHandle*> rocks_database::make(std::string_view space,
                                                          const rocks_options& options) {
    rocksdb::ColumnFamilyHandle* made = nullptr;
    const auto status = database_->CreateColumnFamily(options.space(), family_name(space), &made);
    if (!status.ok()) return explain(path_, status);
    families_.emplace(family_name(space), made);
    return made;
}

bool rocks_database::failed() const { return watch_->failed(); }

rocksdb::Status rocks_database::failure() const { return watch_->status(); }

std::uint64_t rocks_database::buffered_bytes() const {
    std::uint64_t bytes = 0;
    database_->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &bytes);
    return bytes;
}

void rocks_database::flush() {
    std::vector<rocksdb::ColumnFamilyHandle*> all;
    for (const auto& [name, family] : families_) all.push_back(family);
    // What fails here is in the log, and is read from there.
    database_->Flush(rocksdb::FlushOptions(), all).PermitUncheckedError();
}

error rocks_database::explain(const std::string& path, const rocksdb::Status& status) {
    if (lacks_space(status))
        return bad_directory(errc::unavailable, path,
                             "no space is left on its disk; make room, and the node goes on by "
                             "itself (RocksDB: " +
                                 status.ToString() + ")");
    if (status.IsCorruption() || status.IsPathNotFound())
        return bad_directory(errc::unavailable, path,
                             "it is damaged; restore it from a backup, or move it away to begin "
                             "without state (RocksDB: " +
                                 status.ToString() + ")");
    return bad_directory(errc::unavailable, path, "RocksDB: " + status.ToString());
}

}  // namespace dunlin::runtime::store
