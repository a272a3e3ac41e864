// SPDX-License-Identifier: Apache-2.0
//
// Sets the value under a key of a space, and waits for nothing: what a test changes without a
// function. On the thread that has the key.
#pragma once

#include "actors/state_shard.hpp"
#include "actors/state_space.hpp"

#include <mutex>
#include <string>
#include <utility>

namespace dunlin::testing {

class put_text final : public actors::key_task {
public:
    /// @param id of the write: what changes a key twice has two
    put_text(std::string value, std::uint64_t id) : value_(std::move(value)), id_(id) {}
    void run(actors::key_entry* key, const dunlin_state_type* /*type*/, const error* why,
             actors::turns_done& done) override {
        if (why != nullptr) return;
        const std::lock_guard lock(key->home->mutex);
        key->value.assign(true, as_bytes(value_));
        done.changed = done.encoded = true;
        done.writer = {7, id_};
    }

private:
    const std::string value_;
    const std::uint64_t id_;
};

}  // namespace dunlin::testing
