// SPDX-License-Identifier: Apache-2.0
//
// Keys of a store that other nodes use, too: who may have a turn, and what becomes of turns that
// did not count.
//
// What is in memory is used as long as the node owns its key (`key_rights`), and read anew
// otherwise. A turn whose write another node came before leaves nothing behind: its call waits
// again, before all others, up to `runs_max` times. One that has done more than to change its state
// is answered instead. Owned by a space; under the lock of the key's shard, but for `may_run` and
// `tell`.
#pragma once

#include "actors/key_entry.hpp"
#include "actors/space_aftermath.hpp"
#include "actors/state/key_rights.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::actors {

class shared_keys {
public:
    /// Turns of one call at most, when each time another node has written first.
    static constexpr std::uint8_t runs_max = 3;

    shared_keys(std::shared_ptr<key_rights> rights, std::string space)
        : rights_(std::move(rights)),
          space_(std::move(space)) {}

    [[nodiscard]] key_rights& rights() const noexcept { return *rights_; }
    [[nodiscard]] std::int64_t now_ns() const noexcept { return rights_->lease().now_ns(); }

    /// A key has come into memory.
    static void place(key_entry& key);
    /// ... is worked with.
    static void lend(key_entry& key);
    /// ... is about to be read.
    void reads(key_entry& key) const;
    /// ... has been read.
    void was_read(key_entry& key) const;

    /// Whether a call may take the key at once, with what is in memory.
    [[nodiscard]] bool may_enter(const key_entry& key, std::int64_t now_ns) const;
    /// Whether who waits may have the key as far as others are concerned, with what is in memory or
    /// has to be read. What is in memory and may be old is dropped.
    [[nodiscard]] bool may_grant(key_entry& key) const;
    /// Whether a call that has been granted the key may run now.
    [[nodiscard]] bool may_run(const key_grant& held) const;
    /// Whether it is of use to write what has changed. What the node has begun before it gave the
    /// key up ends.
    [[nodiscard]] bool may_write(const key_entry& key) const noexcept;
    /// Whether what has just been written is what everybody reads from now on.
    [[nodiscard]] bool counts(const key_entry& key) const noexcept {
        return rights_->still(key.partition, now_ns());
    }

    /// What has run in vain waits again; what cannot run again, and who is no call, is told.
    void take_back(key_entry& key, std::vector<key_turns::waiter>& ran, held_replies& replies,
                   space_aftermath& after) const;
    /// Nothing that depends on the value that was lost is left but a turn that is under way.
    void lost(key_entry& key, loss why, space_aftermath& after) const;
    /// Those go to the front, once no turn is under way that belongs behind them.
    static void wait_again(key_entry& key, space_aftermath& after);
    /// What waits at a key that is another node's. An operator's change does not travel: who asks
    /// is told.
    void take_moving(key_entry& key, std::vector<key_turns::waiter>& moving,
                     space_aftermath& after) const;
    /// Without the lock.
    void tell(space_aftermath& after) const;

private:
    const std::shared_ptr<key_rights> rights_;
    const std::string space_;
};

}  // namespace dunlin::actors
