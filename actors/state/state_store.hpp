// SPDX-License-Identifier: Apache-2.0
//
// Where state is kept when it is not in memory: what every store does, and nothing of how.
//
// A store has spaces, and under each key of a space a value: bytes, with a version that never
// starts again, the time at which it ends, the name of the call that wrote it last, and what is
// kept of the last calls that changed it (recent_calls.hpp), which stays when it is erased. A write
// says which version it was made from, and is refused when another one is there: that, and not who
// owns a key, is what keeps two writers apart. What `write` calls written is on stable storage.
// An erased value is a write like others and keeps its version.
//
// Calls block. `write` is for one thread at a time; `read` and `list` for any number beside it.
// Views in requests belong to the caller until the call returns.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::actors {

/// Which call wrote a value: the process that made the call, and a number of the call, or of one
/// sending of it, there. An origin of 0 is nobody who can be recognised.
struct call_name {
    std::uint64_t origin = 0;
    std::uint64_t id = 0;
    friend bool operator==(const call_name&, const call_name&) = default;
};

/// What is under a key.
struct stored_state {
    std::uint64_t version = 0;      // 0: nothing was ever written, or nobody knows any more
    bool present = false;           // false: there is no value, or it was erased
    std::int64_t expires_ms = 0;    // by the wall clock, since 1970; 0: never
    call_name writer;               // of this version
    std::vector<std::byte> value;   // encoded
    std::vector<std::byte> recent;  // what was written beside it
};

enum class write_outcome : std::uint8_t {
    unknown,   // it may have been written, or not: reading the key tells
    written,   // and on stable storage
    conflict,  // another version is there; nothing was changed
    damaged,   // what is there cannot be read; nothing was changed
};

struct state_write {
    std::uint32_t space = 0;  // as `open_space` gave it
    bytes_view key;
    std::uint64_t expected = 0;  // the version it was made from; 0: none was there
    std::uint64_t version = 0;   // its own; larger than `expected`
    bool present = true;         // false: erases the value
    bytes_view value;
    std::int64_t expires_ms = 0;
    call_name writer;
    /// Calls that changed it, encoded; a few KiB at most, and often none. Also of an erased value.
    bytes_view recent{};
    write_outcome outcome = write_outcome::unknown;  // set by the store
};

struct state_read {
    std::uint32_t space = 0;
    bytes_view key;
    stored_state found{};  // set by the store; an expired value is told as it is
    /// Set by the store when this value alone cannot be read; then there is no `found`.
    std::optional<error> failure{};
};

/// One value of a list.
struct listed_state {
    std::string key;
    std::uint64_t version = 0;
    std::int64_t expires_ms = 0;
    std::size_t value_bytes = 0;
};

class state_store {
public:
    virtual ~state_store() = default;

    /// Makes the space if there is none of that name. @returns its number for this store; an error
    /// says what cannot be done, and what to do.
    [[nodiscard]] virtual result<std::uint32_t> open_space(std::string_view name) = 0;

    /// Writes what is not refused, all of it before this returns. Each key is there once, and in no
    /// other write at the same time. From as many threads as `writes_at_once` says; where it is
    /// shared from one more, which writes the row of the node.
    /// @returns an error when the store failed: outcomes that are not set are not known then.
    [[nodiscard]] virtual result<void> write(std::span<state_write> batch) = 0;

    /// Fills in `found` of each, or `failure` where a value is damaged. @returns an error when the
    /// store failed: then none is.
    [[nodiscard]] virtual result<void> read(std::span<state_read> wanted) = 0;

    /// Values that are present, by the bytes of their keys: those that begin with `prefix` and are
    /// larger than `after`, `count_max` at most.
    [[nodiscard]] virtual result<std::vector<listed_state>> list(std::uint32_t space,
                                                                 std::string_view prefix,
                                                                 std::string_view after,
                                                                 std::size_t count_max) = 0;

    /// How many writes are of use at the same time: one whose answer comes from far away leaves the
    /// store idle until the next one comes.
    [[nodiscard]] virtual std::size_t writes_at_once() const noexcept { return 1; }

    /// Whether other nodes may use it at the same time.
    [[nodiscard]] virtual bool shared() const noexcept = 0;
    /// The same number at all nodes that use this store, and nowhere else; 0: it is not shared.
    [[nodiscard]] virtual std::uint64_t identity() const noexcept { return 0; }
    /// For the ready line and errors: "RocksDB in ./dunlin-data".
    [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace dunlin::actors
