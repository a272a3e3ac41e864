// SPDX-License-Identifier: Apache-2.0
#include "actors/key_handover.hpp"

#include <utility>

namespace dunlin::actors {

std::vector<key_turns::waiter> key_handover::rights_changed(hottest_keys* hottest,
                                                            std::size_t number) const {
    std::vector<key_turns::waiter> moving;
    const auto& sharing = *space_.sharing();
    for (auto& shard : space_.shards_) {
        space_aftermath after;
        std::vector<key_entry*> reads;
        {
            const std::lock_guard lock(shard.mutex);
            // What is active stays where it is while others are made room for.
            std::vector<key_entry*> active;
            shard.for_each([&](key_entry& key) {
                if (!key.idle()) return active.push_back(&key);
                if (sharing.rights().decided(key.partition) != key_right::foreign) return;
                if (hottest != nullptr && key.what == key_entry::standing::known)
                    hottest->consider(number, shard.heat(key), key.key.size() + key.value.bytes(),
                                      key.key);
                key.drop_value();
                shard.weigh(key);
            });
            for (auto* key : active) {
                sharing.take_moving(*key, moving, after);
                space_.go_on(*key, nullptr, nullptr, after);
                if (after.read != nullptr) reads.push_back(std::exchange(after.read, nullptr));
            }
        }
        space_.settle(after);
        for (auto* each : reads) space_.traffic_->read_soon(*each);
    }
    return moving;
}

std::size_t key_handover::busy_leaving() const {
    std::size_t busy = 0;
    const auto& rights = space_.sharing()->rights();
    for (auto& shard : space_.shards_) {
        const std::lock_guard lock(shard.mutex);
        shard.for_each([&](key_entry& key) {
            const bool leaves = rights.decided(key.partition) == key_right::leaving;
            busy += leaves && !key.idle() && key.is_busy() ? 1 : 0;
        });
    }
    return busy;
}

// What is on its way to the store is left to get there: whether it does is not known yet.
void key_handover::give_up_leaving() const {
    const auto& sharing = *space_.sharing();
    for (auto& shard : space_.shards_) {
        space_aftermath after;
        {
            const std::lock_guard lock(shard.mutex);
            shard.for_each([&](key_entry& key) {
                if (key.idle() || sharing.rights().decided(key.partition) != key_right::leaving ||
                    !key.work().turns.held())
                    return;
                auto& activity = key.work();
                sharing.take_back(key, activity.reruns->next, activity.next, after);
                activity.reruns->lost_to_others = true;
                key.lost = true;
                key.changed = key.awaited = false;
            });
        }
        space_.settle(after);
    }
}

void key_handover::note_offered(std::size_t keys) const {
    auto& any = space_.shards_.front();
    const std::lock_guard lock(any.mutex);
    any.counted.offered += keys;
}

key_handover::offered key_handover::look_at(std::string_view key) const {
    const auto& sharing = *space_.sharing();
    const auto now_ns = sharing.now_ns();
    const auto partition = static_cast<std::uint16_t>(cluster::partition_of(key));
    if (sharing.rights().of(partition, now_ns) != key_right::own) return offered::later;
    const auto hash = key_hash(key, space_.seed_);
    auto& shard = space_.shard_of(hash);
    const std::lock_guard lock(shard.mutex);
    const auto* entry = shard.find(hash, key);
    const bool known =
        entry != nullptr && (!entry->idle() || (entry->what == key_entry::standing::known &&
                                                sharing.may_enter(*entry, now_ns)));
    if (known || space_.memory_.overfull()) return offered::nothing;
    ++shard.counted.taken;
    return offered::read;
}

}  // namespace dunlin::actors
