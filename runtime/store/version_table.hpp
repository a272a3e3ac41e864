// SPDX-License-Identifier: Apache-2.0
//
// Which versions are in the store, for the keys that were read or written last.
//
// A write is made from a version and has to be refused when another one is there. One node has the
// store to itself, so what it read and wrote last answers that for most writes, where a lookup in
// the store would cost more than the write. A cache in sets of seven, as those of processors: a key
// belongs to one set and displaces the one there that came first. Keys are told apart by 64 bits of
// a hash with a secret, and by the set.
//
// A version that is found is the one in the store, or one that the store has dropped since
// (`may_be_dropped`): from both the next version is larger. That a key is not found, or with
// another version than a writer expects, says nothing: then the store is asked.
//
// One thread writes, any number read. A reader may hold on to an old version for any time before it
// puts it here, so it names the state of the table from before it read, and is not heard where
// something has been written in the set since. It can come between a write and that write's
// `written` and is not believed there either: only the writer asks, and it asks after it has told
// of what it wrote.
#pragma once

#include "runtime/store/key_hash.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <optional>

namespace dunlin::runtime::store {

class version_table {
public:
    /// For at least so many keys, at 19 to 37 bytes each, which are taken when they are first used.
    /// A set has room for nearly twice its share, so few keys displace each other.
    explicit version_table(std::size_t keys)
        : sets_(std::bit_ceil(keys / ways < 1 ? 1 : keys / ways)),
          memory_(make(sets_)) {}

    /// The table for a number of steps that belong together. Not for the time of a read or a write.
    class locked {
    public:
        explicit locked(version_table& table) : table_(table), lock_(table.mutex_) {}

        /// What a reader gives to `read` afterwards.
        [[nodiscard]] std::uint64_t writes() const noexcept { return table_.writes_; }

        [[nodiscard]] std::optional<std::uint64_t> find(const key_hash& key) const noexcept {
            const auto& set = table_.set_of(key);
            for (std::size_t i = 0; i < ways; ++i)
                if (set.tags[i] == tag_of(key) && set.next_versions[i] != 0)
                    return set.next_versions[i] - 1;
            return std::nullopt;
        }
        /// It will be looked for soon: sets are far apart in memory.
        void prefetch(const key_hash& key) const noexcept {
            const auto* set = reinterpret_cast<const std::byte*>(&table_.set_of(key));
            __builtin_prefetch(set);
            __builtin_prefetch(set + line_bytes);
        }
        /// A batch has been written; its keys follow.
        void begin_written() noexcept { ++table_.writes_; }
        void written(const key_hash& key, std::uint64_t version) noexcept {
            auto& set = table_.set_of(key);
            set.put(key, version);
            set.write = table_.writes_;
        }
        void read(const key_hash& key, std::uint64_t version, std::uint64_t since) noexcept {
            auto& set = table_.set_of(key);
            if (set.write <= since && table_.forgotten_ <= since) set.put(key, version);
        }
        /// Nobody knows what a batch has done.
        void forget_all() {
            table_.forgotten_ = ++table_.writes_;
            table_.memory_ = make(table_.sets_);
        }

    private:
        version_table& table_;
        std::lock_guard<std::mutex> lock_;
    };

private:
    static constexpr std::size_t ways = 7;
    static constexpr std::size_t line_bytes = 64;  // of a processor's cache

    // All zeros at first: memory that nobody has touched is zeros, and takes no room.
    struct set {
        std::uint64_t tags[ways];
        std::uint64_t next_versions[ways];  // one more than the version; 0: no key
        std::uint64_t write;                // the last batch that wrote here
        std::uint64_t puts;

        void put(const key_hash& key, std::uint64_t version) noexcept {
            const auto tag = tag_of(key);
            std::size_t at = 0;
            while (at < ways && (next_versions[at] == 0 || tags[at] != tag)) ++at;
            if (at == ways) {
                at = puts++ % ways;
                tags[at] = tag;
            }
            next_versions[at] = version + 1;
        }
    };
    static_assert(sizeof(set) == 2 * line_bytes);

    [[nodiscard]] static std::uint64_t tag_of(const key_hash& key) noexcept {
        return key.low ^ key.high;
    }

    struct freed {
        void operator()(void* memory) const noexcept { std::free(memory); }
    };
    using memory = std::unique_ptr<void, freed>;

    static memory make(std::size_t sets) {
        memory made(std::calloc(sets + 1, sizeof(set)));
        if (!made) throw std::bad_alloc();
        return made;
    }
    [[nodiscard]] set& set_of(const key_hash& key) const noexcept {
        const auto start = reinterpret_cast<std::uintptr_t>(memory_.get());
        const auto to_line = (line_bytes - start % line_bytes) % line_bytes;
        auto* first = static_cast<std::byte*>(memory_.get()) + to_line;
        return reinterpret_cast<set*>(first)[key.low & (sets_ - 1)];
    }

    std::mutex mutex_;
    const std::size_t sets_;
    memory memory_;
    std::uint64_t writes_ = 0;
    std::uint64_t forgotten_ = 0;  // the write after which all was forgotten
};

}  // namespace dunlin::runtime::store
