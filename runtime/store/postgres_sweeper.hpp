// SPDX-License-Identifier: Apache-2.0
//
// Drops what has ended from the tables, so that they do not grow with every key that ever was.
//
// An erased value stays as a row with its version, and an expired one as it was, for an hour: a
// writer that knew it is refused by its version, and not because nothing is there. After that the
// row may go, since the first version of a value that is made anew comes from the clock.
// One node of those that use the database sweeps, the one that has an advisory lock; when it ends,
// another one gets it. It goes through the table by its key, some rows at a time with pauses, and
// passes over rows that somebody works with. A thread of its own with a connection of its own;
// nobody waits for it. Owned by the store.
#pragma once

#include "runtime/store/postgres_session.hpp"

#include <dunlin/result.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace dunlin::runtime::store {

/// How far a round has come: behind this row of the table.
struct sweep_place {
    std::string space = "-1";  // numbers as PostgreSQL writes them; none is negative
    std::string key;           // in hexadecimal
};

struct swept {
    std::uint64_t looked_at = 0;
    std::uint64_t dropped = 0;
};

/// Looks at some rows behind `at`, drops those that have ended, and moves `at`.
[[nodiscard]] result<swept> sweep_some(postgres_connection& connection,
                                       const sweep_settings& settings, sweep_place& at);

/// Whether this connection may sweep, from now on until it ends: no other one may meanwhile.
[[nodiscard]] result<bool> take_sweep_lock(postgres_connection& connection);

class postgres_sweeper {
public:
    postgres_sweeper(const postgres_settings& settings, std::uint64_t identity);
    postgres_sweeper(const postgres_sweeper&) = delete;
    postgres_sweeper& operator=(const postgres_sweeper&) = delete;
    ~postgres_sweeper();

private:
    void run();
    /// Through all of the table, if nobody else does. @returns what went wrong.
    [[nodiscard]] result<void> round();
    /// @returns false when it ends.
    [[nodiscard]] bool pause(std::chrono::milliseconds length);

    const postgres_settings settings_;
    const std::uint64_t identity_;
    std::mutex mutex_;
    std::condition_variable end_;
    bool ends_ = false;
    std::thread thread_;
};

}  // namespace dunlin::runtime::store
