// SPDX-License-Identifier: Apache-2.0
//
// What a caller knows of one operation on one key: when it was called, when it ended and how.
//
// A key has a counter (`add`, `read`) or a list (`append`, `read`); `erase` empties either. Each
// write makes one entry, so the count of entries tells how many writes came before. An operation
// without an answer may have happened at any time after its call, or never; one that is known not
// to have run, or whose function failed and left the state as it was, has not. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::history {

enum class action : std::uint8_t { add, append, read, erase };
enum class ending : std::uint8_t { answered, not_run, unknown };

struct operation {
    std::uint64_t id = 0;  // its own among all operations; of `append`, the entry
    action what = action::read;
    ending how = ending::unknown;
    std::int64_t called_ns = 0;
    std::int64_t ended_ns = 0;  // of what was answered
    /// What was answered: entries that there are then, or were when `erase` came. Empty: not told.
    std::optional<std::uint64_t> count{};
    /// ... by `read` of a list: all of its entries.
    std::optional<std::vector<std::uint64_t>> entries{};

    [[nodiscard]] bool answered() const noexcept { return how == ending::answered; }
    [[nodiscard]] bool writes() const noexcept {
        return what == action::add || what == action::append;
    }
};

/// For a person, without a line end.
[[nodiscard]] std::string describe(const operation& which);

}  // namespace dunlin::history
