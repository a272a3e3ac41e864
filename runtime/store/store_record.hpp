// SPDX-License-Identifier: Apache-2.0
//
// How a value lies in an embedded store: a head, and the bytes.
//
//     offset  bytes
//          0      1   format: 1, or 2 if calls are kept beside it
//          1      1   flags: 1 there is a value; others are 0
//          2      8   version
//         10      8   ends at, in ms since 1970; 0: never
//         18      8   written at, in ms since 1970
//         26      8   origin of the call that wrote it
//         34      8   number of that call
//         42          the value; in format 2 first:
//         42      2   bytes of the calls that are kept, not 0
//         44          these (recent_calls.hpp), and the value behind them
//
// Numbers are little-endian. A value that was erased leaves all but the value, a tombstone, so that
// the versions of its key go on and calls are known. Where no calls are kept, versions of Dunlin
// that do not know format 2 read it, too. Pure.
#pragma once

#include "actors/state/state_store.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace dunlin::runtime::store {

inline constexpr std::size_t record_head_bytes = 42;
inline constexpr std::size_t record_recent_bytes_max = 0xffff;

struct record_head {
    std::uint64_t version = 0;
    bool present = false;
    std::int64_t expires_ms = 0;
    std::int64_t written_ms = 0;
    actors::call_name writer;

    friend bool operator==(const record_head&, const record_head&) = default;
};

struct record {
    record_head head;
    bytes_view recent;  // of what was read
    bytes_view value;
};

/// What stands in front of the kept calls, if there are any, and of the value.
class written_head {
public:
    /// @pre the kept calls have `record_recent_bytes_max` at most
    written_head(const record_head& head, bytes_view recent) noexcept;
    [[nodiscard]] bytes_view view() const noexcept { return bytes_view(bytes_).first(size_); }

private:
    std::array<std::byte, record_head_bytes + 2> bytes_{};
    std::size_t size_ = record_head_bytes;
};

/// An error says what no store of this version has written.
[[nodiscard]] result<record> read_record(bytes_view data);

/// Tombstones and values that have expired may be dropped so long afterwards.
///
/// What is dropped is of version 0 again. Nobody can take a value made later for the one that was
/// dropped, because the first version of a value that is made anew comes from the clock of who
/// makes it, and so lies above all versions that the key ever had. What an hour is for is the name
/// of the call that wrote: a repeat of that call, which comes within minutes if at all, must still
/// find it.
inline constexpr std::int64_t kept_after_end_ms = 3'600'000;

[[nodiscard]] constexpr bool may_be_dropped(const record_head& head, std::int64_t now_ms) noexcept {
    // Subtracted on the side that cannot overflow: times of records may be anything.
    const std::int64_t ended_before_ms = now_ms - kept_after_end_ms;
    if (!head.present) return head.written_ms < ended_before_ms;
    return head.expires_ms != 0 && head.expires_ms < ended_before_ms;
}

}  // namespace dunlin::runtime::store
