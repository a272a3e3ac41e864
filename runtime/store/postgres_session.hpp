// SPDX-License-Identifier: Apache-2.0
//
// A connection that is ready for the store: to the right database, with its statements prepared.
//
// Behind one URL there may be another database one day: a copy that was restored, or a server that
// took over with what it had. A node that has values of the old one in memory must not go on with
// the new one, so each session asks which one it is. One owner, one thread.
#pragma once

#include "runtime/store/postgres_connection.hpp"
#include "runtime/store/postgres_store.hpp"

#include <dunlin/result.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

namespace dunlin::runtime::store {

using connection_ptr = std::unique_ptr<postgres_connection>;

/// Which database this is, of all that there are; the same for all its users, also after it has
/// moved to a standby. Needs no right that a user does not have by default.
[[nodiscard]] result<std::uint64_t> identity_of(postgres_connection& connection);

/// Which statements a session has.
enum class session_use : std::uint8_t { writing, reading, sweeping };

/// @returns an error when there is another database than the one with that identity.
[[nodiscard]] result<connection_ptr> open_session(const postgres_settings& settings,
                                                  std::uint64_t identity, session_use use);

/// A server that is away is looked for so often, by those who write and by those who read.
inline constexpr std::chrono::milliseconds reconnect_pause{200};

// The names of the prepared statements; their parameters are told at their texts.
inline constexpr const char* update_statement = "update";
inline constexpr const char* insert_statement = "insert";
inline constexpr const char* read_statement = "read";
inline constexpr const char* list_statement = "list";

/// Sessions of one use: as many as are needed at once, up to a limit at which one waits. Any
/// thread.
class session_pool {
public:
    session_pool(const postgres_settings& settings, const std::uint64_t& identity, session_use use,
                 std::size_t sessions_max)
        : settings_(settings),
          identity_(identity),
          use_(use),
          sessions_max_(sessions_max) {}

    /// Connects as many as there may be: who needs one later is in a hurry.
    [[nodiscard]] result<void> fill();

    /// Runs `use` with a session.
    template <class Use>
    [[nodiscard]] auto once(Use use) {
        return run(std::move(use), when_lost::fail);
    }
    /// The same for what changes nothing: once more with a new session if the first turned out to
    /// be lost.
    template <class Use>
    [[nodiscard]] auto with(Use use) {
        return run(std::move(use), when_lost::again);
    }

private:
    class turn {
    public:
        explicit turn(session_pool& of);
        turn(const turn&) = delete;
        turn& operator=(const turn&) = delete;
        ~turn();

    private:
        session_pool& of_;
    };

    enum class when_lost : std::uint8_t { fail, again };
    template <class Use>
    [[nodiscard]] auto run(Use use, when_lost then)
        -> decltype(use(std::declval<postgres_connection&>())) {
        const turn held(*this);
        for (;;) {
            auto taken = take();
            const bool fresh = !taken;
            if (fresh) {
                auto made = connect();
                if (!made) return made.error();
                taken = *std::move(made);
            }
            auto done = use(*taken);
            const bool usable = taken->usable();
            if (usable) give_back(std::move(taken));
            if (done || usable || fresh || then == when_lost::fail) return done;
        }
    }

    [[nodiscard]] result<connection_ptr> connect();
    [[nodiscard]] connection_ptr take();
    void give_back(connection_ptr one);

    const postgres_settings& settings_;
    const std::uint64_t& identity_;
    const session_use use_;
    const std::size_t sessions_max_;
    std::mutex mutex_;
    std::condition_variable room_;
    std::size_t used_ = 0;
    std::chrono::steady_clock::time_point next_connect_{};
    error away_;
    std::deque<connection_ptr> idle_;
};

}  // namespace dunlin::runtime::store
