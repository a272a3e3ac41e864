// SPDX-License-Identifier: Apache-2.0
//
// One turn of an operator at a key, and the wait for what it came to.
//
// Shared by the thread that waits and by those that give it its turn and its answer, so that it can
// be left alone when the time is over. What it changes may be stored all the same then.
#pragma once

#include "actors/answer_port.hpp"
#include "actors/state_space.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::runtime {

/// What is under a key, as a turn saw it.
struct seen_state {
    bool present = false;
    std::uint64_t version = 0;  // that the store has; 0: it has none yet
    std::int64_t expires_ms = 0;
    std::vector<std::byte> value;
};

enum class state_change : std::uint8_t { none, set, erase, expire };

class state_task final : public actors::key_task,
                         public actors::answer_port,
                         public std::enable_shared_from_this<state_task> {
public:
    /// `value` for a set; `expires_ms` for an expiry, or with a set.
    state_task(state_change what, std::vector<std::byte> value,
               std::optional<std::int64_t> expires_ms)
        : what_(what),
          value_(std::move(value)),
          expires_ms_(expires_ms) {}

    /// Gives it to the space, and waits. @returns what was there before the change.
    [[nodiscard]] static result<seen_state> run_in(actors::state_space& space, std::string_view key,
                                                   std::shared_ptr<state_task> task,
                                                   std::chrono::nanoseconds at_most);

    // key_task
    void run(actors::key_entry* key, const dunlin_state_type* type, const error* why,
             actors::turns_done& done) override;
    // answer_port: the store has what it changed, or not.
    void answer_value(actors::answer_address to, actors::output_buffer& payload) override;
    void answer_error(actors::answer_address to, error why) override;

private:
    [[nodiscard]] result<void> apply(actors::key_entry& key, const dunlin_state_type& type,
                                     actors::turns_done& done);
    void end(std::optional<error> why);

    const state_change what_;
    const std::vector<std::byte> value_;
    const std::optional<std::int64_t> expires_ms_;
    seen_state seen_;
    std::shared_ptr<state_task> self_;  // while a reply is held for it
    std::mutex mutex_;
    std::condition_variable ended_;
    bool over_ = false;
    std::optional<error> failed_;
};

}  // namespace dunlin::runtime
