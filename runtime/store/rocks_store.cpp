// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/rocks_store.hpp"

#include "actors/state/space_rule.hpp"
#include "runtime/log.hpp"
#include "runtime/store/data_directory.hpp"
#include "runtime/store/rocks_database.hpp"
#include "runtime/store/rocks_options.hpp"
#include "runtime/store/store_record.hpp"
#include "runtime/store/version_table.hpp"

#include <rocksdb/perf_level.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::runtime::store {
namespace {

using actors::listed_state;
using actors::state_read;
using actors::state_write;
using actors::write_outcome;
using steady = std::chrono::steady_clock;

// Lookups that go to RocksDB together: as many as it handles at once.
constexpr std::size_t lookups_at_once = 32;
// Opening the database again takes this much for new files, beside what it moves out of the log.
constexpr std::uint64_t room_bytes_min = 4u << 20;
// Between two times that it is opened again. One that fails does it at once.
constexpr auto reopen_pause = std::chrono::seconds(1);
// A batch that was larger gives its memory back.
constexpr std::size_t batch_bytes_kept = 4u << 20;

rocksdb::Slice slice(bytes_view data) noexcept {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

bytes_view view(const rocksdb::Slice& data) noexcept {
    return as_bytes({data.data(), data.size()});
}

std::int64_t wall_clock_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

key_hasher secret_hasher() {
    std::random_device source;
    const auto draw = [&source] { return (std::uint64_t{source()} << 32) | source(); };
    const auto low = draw();
    return {low, draw()};
}

class rocks_store final : public actors::state_store {
public:
    rocks_store(rocks_settings settings, data_directory directory)
        : settings_(std::move(settings)),
          directory_(std::move(directory)),
          options_(settings_),
          hash_(secret_hasher()),
          versions_(settings_.known_versions) {}
    rocks_store(const rocks_store&) = delete;
    rocks_store& operator=(const rocks_store&) = delete;
    ~rocks_store() override;

    [[nodiscard]] result<void> open();

    [[nodiscard]] result<std::uint32_t> open_space(std::string_view name) override;
    [[nodiscard]] result<void> write(std::span<state_write> batch) override;
    [[nodiscard]] result<void> read(std::span<state_read> wanted) override;
    [[nodiscard]] result<std::vector<listed_state>> list(std::uint32_t space,
                                                         std::string_view prefix,
                                                         std::string_view after,
                                                         std::size_t count_max) override;
    [[nodiscard]] bool shared() const noexcept override { return false; }
    [[nodiscard]] std::string describe() const override {
        return "RocksDB in " + directory_.path();
    }

private:
    struct named_space {
        std::string name;
        rocksdb::ColumnFamilyHandle* family;
    };

    template <class Item>
    [[nodiscard]] result<void> check_spaces(std::span<Item> items) const;
    template <class At, class Found, class Damaged>
    [[nodiscard]] result<void> look_up(std::size_t count, At at, Found found,
                                       Damaged damaged) const;
    [[nodiscard]] result<void> refuse_conflicts(std::span<state_write> batch);
    [[nodiscard]] rocksdb::Status collect(std::span<const state_write> batch);
    [[nodiscard]] result<void> recover();
    [[nodiscard]] error fail(error why);

    const rocks_settings settings_;
    data_directory directory_;
    const rocks_options options_;
    const key_hasher hash_;
    version_table versions_;

    std::shared_mutex gate_;                    // taken alone where one of these changes
    std::unique_ptr<rocks_database> database_;  // null: it could not be opened again
    std::vector<named_space> spaces_;
    error closed_;  // why it is null

    // Of the thread that writes.
    bool failed_ = false;
    error failure_;
    steady::time_point next_reopen_{};
    std::uint64_t buffered_bytes_ = 0;  // when it failed
    rocksdb::WriteBatch batch_;
    std::vector<key_hash> hashes_;           // of the batch, in its order
    std::vector<const state_write*> order_;  // in which it is written
    std::vector<std::size_t> unknown_;  // in the batch: those whose versions have to be looked up
};

rocks_store::~rocks_store() {
    if (!database_) return;
    if (!failed_ && !database_->failed()) database_->flush();
    database_.reset();
    // Without it the next start checks less.
    if (auto noted = directory_.note_ready(); !noted)
        log().warn("data directory was closed and could not be marked so",
                   {{"why", noted.error().detail}});
}

result<void> rocks_store::open() {
    auto opened = rocks_database::open(options_, directory_);
    if (!opened) return opened.error();
    const std::unique_lock alone(gate_);
    database_ = *std::move(opened);
    for (auto& each : spaces_) {
        each.family = database_->find(each.name);
        if (each.family != nullptr) continue;
        auto made = database_->make(each.name, options_);
        if (!made) return made.error();
        each.family = *made;
    }
    return directory_.note_ready();
}

result<std::uint32_t> rocks_store::open_space(std::string_view name) {
    if (auto good = actors::check_space_name(name); !good) return good.error();
    const std::unique_lock alone(gate_);
    const auto at = std::ranges::find(spaces_, name, &named_space::name);
    const auto number = static_cast<std::uint32_t>(at - spaces_.begin());
    if (at != spaces_.end()) return number;
    if (!database_) return closed_;
    auto* family = database_->find(name);
    if (family == nullptr) {
        auto made = database_->make(name, options_);
        if (!made) return made.error();
        family = *made;
    }
    spaces_.push_back({std::string(name), family});
    return number;
}

// -- reading --------------------------------------------------------------------------------------

template <class Item>
result<void> rocks_store::check_spaces(std::span<Item> items) const {
    for (const auto& each : items)
        if (each.space >= spaces_.size()) return actors::no_such_space(each.space);
    return {};
}

// `at(i)` is the i-th of what has a space and a key, `found(i, record)` takes what is there; null:
// nothing. `damaged(i, why)`: what is there cannot be read, which is no affair of the others.
template <class At, class Found, class Damaged>
result<void> rocks_store::look_up(std::size_t count, At at, Found found, Damaged damaged) const {
    std::array<rocksdb::ColumnFamilyHandle*, lookups_at_once> families{};
    std::array<rocksdb::Slice, lookups_at_once> keys;
    std::array<rocksdb::PinnableSlice, lookups_at_once> values;
    std::array<rocksdb::Status, lookups_at_once> statuses;
    for (std::size_t first = 0; first < count; first += lookups_at_once) {
        const std::size_t some = std::min(lookups_at_once, count - first);
        for (std::size_t i = 0; i < some; ++i) {
            const auto& wanted = at(first + i);
            families[i] = spaces_[wanted.space].family;
            keys[i] = slice(wanted.key);
        }
        (*database_)
            ->MultiGet(rocksdb::ReadOptions(), some, families.data(), keys.data(), values.data(),
                       statuses.data());
        for (std::size_t i = 0; i < some; ++i) {
            if (statuses[i].IsNotFound()) {
                found(first + i, static_cast<const record*>(nullptr));
                continue;
            }
            if (statuses[i].IsCorruption()) {
                damaged(first + i, rocks_database::explain(directory_.path(), statuses[i]));
                continue;
            }
            if (!statuses[i].ok()) return rocks_database::explain(directory_.path(), statuses[i]);
            const auto there = read_record(view(values[i]));
            if (there)
                found(first + i, &*there);
            else
                damaged(first + i,
                        bad_directory(there.error().code, directory_.path(), there.error().detail));
            values[i].Reset();
        }
    }
    return {};
}

result<void> rocks_store::read(std::span<state_read> wanted) {
    const std::shared_lock held(gate_);
    if (!database_) return closed_;
    if (auto good = check_spaces(wanted); !good) return good;
    const auto since = version_table::locked(versions_).writes();
    const auto fill = [&wanted](std::size_t i, const record* there) {
        auto& found = wanted[i].found;
        found = {};
        wanted[i].failure.reset();
        if (there == nullptr) return;
        found.version = there->head.version;
        found.present = there->head.present;
        found.expires_ms = there->head.expires_ms;
        found.writer = there->head.writer;
        found.value.assign(there->value.begin(), there->value.end());
        found.recent.assign(there->recent.begin(), there->recent.end());
    };
    auto done = look_up(
        wanted.size(), [&](std::size_t i) -> const auto& { return wanted[i]; }, fill,
        [&wanted](std::size_t i, error why) {
            wanted[i].found = {};
            wanted[i].failure = std::move(why);
        });
    if (!done) {
        for (auto& each : wanted) each.found = {};
        return done;
    }
    version_table::locked versions(versions_);
    for (const auto& each : wanted)
        if (!each.failure) versions.read(hash_(each.space, each.key), each.found.version, since);
    return {};
}

result<std::vector<listed_state>> rocks_store::list(std::uint32_t space, std::string_view prefix,
                                                    std::string_view after, std::size_t count_max) {
    const std::shared_lock held(gate_);
    if (!database_) return closed_;
    if (space >= spaces_.size()) return actors::no_such_space(space);
    rocksdb::ReadOptions options;
    options.fill_cache = false;  // what an operator looks through is not what calls read
    const std::unique_ptr<rocksdb::Iterator> at(
        (*database_)->NewIterator(options, spaces_[space].family));
    at->Seek(slice(as_bytes(std::max(prefix, after))));
    std::vector<listed_state> found;
    for (; at->Valid() && found.size() < count_max; at->Next()) {
        const std::string_view key(at->key().data(), at->key().size());
        if (!key.starts_with(prefix)) break;
        if (key <= after) continue;
        const auto there = read_record(view(at->value()));
        if (!there)
            return bad_directory(there.error().code, directory_.path(), there.error().detail);
        if (there->head.present)
            found.push_back({std::string(key), there->head.version, there->head.expires_ms,
                             there->value.size()});
    }
    if (!at->status().ok()) return rocks_database::explain(directory_.path(), at->status());
    return found;
}

// -- writing --------------------------------------------------------------------------------------

result<void> rocks_store::write(std::span<state_write> batch) {
    for (auto& each : batch) each.outcome = write_outcome::unknown;
    if (auto good = recover(); !good) return good;
    const std::shared_lock held(gate_);
    if (auto good = check_spaces(batch); !good) return good;
    if (auto checked = refuse_conflicts(batch); !checked) return checked;
    // RocksDB counts each comparison of keys, at a tenth of the cost of a write.
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
    auto status = collect(batch);
    if (!status.ok()) return rocks_database::explain(directory_.path(), status);
    if (batch_.Count() == 0) return {};
    status = (*database_)->Write(rocks_options::durable(), &batch_);
    if (!status.ok()) return fail(rocks_database::explain(directory_.path(), status));
    version_table::locked versions(versions_);
    versions.begin_written();
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (batch[i].outcome != write_outcome::unknown) continue;
        batch[i].outcome = write_outcome::written;
        versions.written(hashes_[i], batch[i].version);
    }
    return {};
}

// Only a version that is the expected one is believed without a look. So the table can spare
// lookups and cannot refuse a write.
result<void> rocks_store::refuse_conflicts(std::span<state_write> batch) {
    hashes_.clear();
    unknown_.clear();
    for (const auto& each : batch) hashes_.push_back(hash_(each.space, each.key));
    {
        const version_table::locked versions(versions_);
        for (const auto& each : hashes_) versions.prefetch(each);
        for (std::size_t i = 0; i < batch.size(); ++i)
            if (versions.find(hashes_[i]) != batch[i].expected) unknown_.push_back(i);
    }
    const auto item = [&](std::size_t i) -> const auto& { return batch[unknown_[i]]; };
    return look_up(
        unknown_.size(), item,
        [&](std::size_t i, const record* there) {
            auto& each = batch[unknown_[i]];
            if ((there == nullptr ? 0 : there->head.version) != each.expected)
                each.outcome = write_outcome::conflict;
        },
        [&](std::size_t i, const error& why) {
            auto& each = batch[unknown_[i]];
            each.outcome = write_outcome::damaged;
            log().error("a value cannot be read and is not written",
                        {{"key", std::string(as_text(each.key))}, {"why", why.detail}});
        });
}

// Fails without having written anything, for values of gigabytes.
rocksdb::Status rocks_store::collect(std::span<const state_write> batch) {
    if (batch_.GetDataSize() > batch_bytes_kept) batch_ = rocksdb::WriteBatch();
    batch_.Clear();
    const auto now_ms = settings_.now_ms();
    order_.clear();
    for (const auto& each : batch)
        if (each.outcome == write_outcome::unknown) order_.push_back(&each);
    // RocksDB finds the place of a key from that of the one before it, so neighbours cost half.
    std::sort(order_.begin(), order_.end(), [](const auto* a, const auto* b) {
        if (a->space != b->space) return a->space < b->space;
        return as_text(a->key) < as_text(b->key);
    });
    for (const auto* next : order_) {
        const auto& each = *next;
        const written_head head({each.version, each.present, each.expires_ms, now_ms, each.writer},
                                each.recent);
        const rocksdb::Slice key = slice(each.key);
        const std::array<rocksdb::Slice, 3> value = {
            slice(head.view()), slice(each.recent),
            each.present ? slice(each.value) : rocksdb::Slice()};
        auto status = batch_.Put(spaces_[each.space].family, rocksdb::SliceParts(&key, 1),
                                 rocksdb::SliceParts(value.data(), 3));
        if (!status.ok()) return status;
    }
    return rocksdb::Status::OK();
}

// -- failing --------------------------------------------------------------------------------------

error rocks_store::fail(error why) {
    if (!failed_) log().error("store failed and refuses writes", {{"why", why.detail}});
    failed_ = true;
    failure_ = std::move(why);
    version_table::locked(versions_).forget_all();
    return failure_;
}

result<void> rocks_store::recover() {
    if (!failed_) {
        if (!database_->failed()) return {};
        // A flush or a compaction; the next write would be told so, or wait for it without end.
        static_cast<void>(fail(rocks_database::explain(directory_.path(), database_->failure())));
    }
    const auto now = steady::now();
    if (now < next_reopen_) return failure_;
    if (database_) buffered_bytes_ = database_->buffered_bytes();
    // Reads go on as long as it is open, so it stays open until opening it can succeed.
    if (directory_.free_bytes() < room_bytes_min + buffered_bytes_) return failure_;
    next_reopen_ = now + reopen_pause;
    {
        const std::unique_lock alone(gate_);
        closed_ = failure_;
        database_.reset();
    }
    if (auto opened = open(); !opened) {
        const std::unique_lock alone(gate_);
        database_.reset();
        failure_ = closed_ = opened.error();
        return failure_;
    }
    failed_ = false;
    log().warn("store was opened again and takes writes");
    return {};
}

}  // namespace

result<std::unique_ptr<actors::state_store>> open_rocks_store(rocks_settings settings) {
    if (!settings.now_ms) settings.now_ms = wall_clock_ms;
    auto directory = data_directory::claim(settings.directory, settings.cluster, settings.node);
    if (!directory) return directory.error();
    if (auto whole = directory->check_manifest(); !whole) return whole.error();
    auto store = std::make_unique<rocks_store>(std::move(settings), *std::move(directory));
    if (auto opened = store->open(); !opened) return opened.error();
    return std::unique_ptr<actors::state_store>(std::move(store));
}

}  // namespace dunlin::runtime::store
