// SPDX-License-Identifier: Apache-2.0
//
// Turns at a key of what is no call: an operator's look or change, and a function that reads
// another key than its own.
#include "actors/state_space.hpp"

#include <memory>
#include <mutex>
#include <utility>

namespace dunlin::actors {

void state_space::read(std::string_view key, bool stale, answer_port& port, answer_address to) {
    class reading final : public key_task {
    public:
        reading(answer_port& port, answer_address to) : port_(port), to_(to) {}
        void run(key_entry* key, const dunlin_state_type* /*type*/, const error* why,
                 turns_done& done) override {
            output_buffer encoded;
            if (why != nullptr) return port_.answer_error(to_, *why);
            if (const auto present = key->value.encode(encoded); !present)
                return port_.answer_error(to_, present.error());
            done.replies.add(port_, to_, encoded.view());
        }

    private:
        answer_port& port_;
        const answer_address to_;
    };
    const auto hash = key_hash(key, seed_);
    auto& shard = shard_of(hash);
    if (stale) {
        const std::lock_guard lock(shard.mutex);
        auto* entry = shard.find(hash, key);
        if (entry != nullptr && entry->what == key_entry::standing::known && !entry->lost &&
            !entry->idle() && entry->work().turns.held_alone() &&
            entry->value.encoded_is_current()) {
            auto& activity = entry->work();
            const auto value = entry->value.snapshot();
            if (entry->changed) return activity.held_next().add(port, to, value);
            if (entry->committing) return activity.held_leaving().add(port, to, value);
        }
    }
    operate(key, std::make_shared<reading>(port, to), false);
}

void state_space::run_task(key_grant held) {
    turns_done done;
    done.calls = 1;
    if (!held.failure) {
        const std::lock_guard lock(held.key->home->mutex);
        forget_if_expired(*held.key);
    }
    held.task->run(held.failure ? nullptr : held.key, options_.type, held.failure.get(), done);
    if (held.failure)
        done.replies.send();
    else
        static_cast<void>(finish(std::move(held), done));
}

void state_space::operate(std::string_view key, std::shared_ptr<key_task> what, bool writes) {
    const auto hash = key_hash(key, seed_);
    auto& shard = shard_of(hash);
    aftermath after;
    {
        const std::lock_guard lock(shard.mutex);
        auto* entry = shard.find(hash, key);
        if (entry == nullptr) {
            entry = &shard.add(hash, key);
            if (traffic_ == nullptr) entry->what = key_entry::standing::known;
            if (sharing_) shared_keys::place(*entry);
        }
        shard.lend_activity(*entry);
        if (sharing_) shared_keys::lend(*entry);
        const auto came_ns = sharing_ ? sharing_->now_ns() : 0;
        entry->work().turns.wait({nullptr, {}, writes, true, std::move(what), came_ns});
        go_on(*entry, nullptr, nullptr, after);
    }
    settle(after);
}

}  // namespace dunlin::actors
