// SPDX-License-Identifier: Apache-2.0
#include "actors/shared_keys.hpp"

#include "actors/pool.hpp"
#include "cluster/rendezvous.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::actors {

namespace {

/// What only looks may do so anywhere, by what the store has.
bool only_looks(const key_turns::waiter& who) noexcept { return who.task && !who.writes; }

}  // namespace

void shared_keys::place(key_entry& key) {
    key.partition = static_cast<std::uint16_t>(cluster::partition_of(key.key));
}

void shared_keys::lend(key_entry& key) {
    if (!key.work().reruns) key.work().reruns = std::make_unique<key_reruns>();
}

void shared_keys::reads(key_entry& key) const {
    const auto now = now_ns();
    const bool own = rights_->of(key.partition, now) == key_right::own;
    key.epoch = own ? rights_->lease().epoch() : 0;
    key.work().reruns->confirmed_ns = now;
    key.work().reruns->decisions = rights_->lease().decisions();
}

// The key may have been another node's in between.
void shared_keys::was_read(key_entry& key) const {
    if (key.work().reruns->decisions != rights_->lease().decisions()) key.epoch = 0;
}

// -- who may have a turn ---------------------------------------------------------------------

bool shared_keys::may_enter(const key_entry& key, std::int64_t now_ns) const {
    return rights_->of(key.partition, now_ns) == key_right::own &&
           key.epoch == rights_->lease().epoch();
}

bool shared_keys::may_grant(key_entry& key) const {
    auto& turns = key.work().turns;
    if (turns.waiting() == 0) return true;
    const auto& first = turns.front();
    const auto& lease = rights_->lease();
    const auto right = rights_->of(key.partition, now_ns());
    const bool alone = right == key_right::own;
    if (!alone && right != key_right::rival && !only_looks(first)) {
        lease.note_wait();
        return false;
    }
    if (key.what != key_entry::standing::known || key.lost) return true;
    const bool confirmed = key.epoch == 0 && first.came_ns <= key.work().reruns->confirmed_ns;
    if (alone ? key.epoch == lease.epoch() : confirmed) return true;
    if (key.is_busy()) return false;  // when that is done, this is looked at again
    key.drop_value();
    return true;
}

bool shared_keys::may_run(const key_grant& held) const {
    const auto now = now_ns();
    const auto right = rights_->of(held.key->partition, now);
    if (right == key_right::rival) return held.confirmed;
    // What was granted before the key is given up ends.
    const bool alone = right == key_right::own ||
                       (right == key_right::leaving && now < rights_->lease().alone_until_ns());
    return alone && held.key->epoch == rights_->lease().epoch();
}

bool shared_keys::may_write(const key_entry& key) const noexcept {
    const auto right = rights_->decided(key.partition);
    return right != key_right::foreign && right != key_right::wait;
}

// -- turns that did not count ----------------------------------------------------------------

void shared_keys::take_back(key_entry& key, std::vector<key_turns::waiter>& ran,
                            held_replies& replies, space_aftermath& after) const {
    auto& again = key.work().reruns->again;
    const auto now = now_ns();
    std::vector<std::pair<const answer_port*, answer_address>> back;
    for (auto& each : ran) {
        auto& call = each.call.call();
        if (call.reached_out || call.reruns + 1 >= runs_max) continue;
        ++call.reruns;
        each.came_ns = now;
        back.emplace_back(call.origin, call.address);
        again.push_back(std::move(each));
    }
    ran.clear();
    held_replies dropped;
    replies.move_to(dropped, [&](const answer_port& port, answer_address address) {
        return std::find(back.begin(), back.end(), std::pair(&port, address)) != back.end();
    });
    after.beaten.append(replies);
    replies.clear();
}

void shared_keys::lost(key_entry& key, loss why, space_aftermath& after) const {
    auto& activity = key.work();
    auto& reruns = *activity.reruns;
    reruns.lost_to_others = why == loss::beaten;
    if (reruns.lost_to_others) {
        take_back(key, reruns.leaving, activity.leaving, after);
        take_back(key, reruns.next, activity.next, after);
    }
    reruns.leaving.clear();
    reruns.next.clear();
}

void shared_keys::wait_again(key_entry& key, space_aftermath& after) {
    auto& reruns = *key.work().reruns;
    if (key.lost) return;
    reruns.lost_to_others = false;
    if (reruns.again.empty()) return;
    for (const auto& each : reruns.again) {
        auto& counted = after.waiting;
        if (counted.empty() || counted.back().first != each.of) counted.emplace_back(each.of, 0);
        ++counted.back().second;
    }
    key.work().turns.wait_first(std::move(reruns.again));
    reruns.again.clear();
}

void shared_keys::take_moving(key_entry& key, std::vector<key_turns::waiter>& moving,
                              space_aftermath& after) const {
    const auto right = rights_->decided(key.partition);
    auto& turns = key.work().turns;
    if ((right != key_right::foreign && right != key_right::leaving) || turns.waiting() == 0)
        return;
    for (auto& each : turns.take_unless(only_looks)) {
        if (!each.task) {
            moving.push_back(std::move(each));
            continue;
        }
        key_grant refused;
        refused.task = std::move(each.task);
        refused.failure = std::make_shared<const error>(
            error{errc::unavailable, "another node owns key \"" + key.key + "\" of space " +
                                         space_ + " by now; nothing was changed"});
        after.granted.push_back(std::move(refused));
    }
}

void shared_keys::tell(space_aftermath& after) const {
    for (const auto& [of, count] : after.waiting) of->answered(-count);
    if (!after.beaten.empty())
        after.beaten.fail({errc::conflict, "another node has changed the same key of space " +
                                               space_ +
                                               " first, and the call could not be run again; "
                                               "nothing of it was stored"});
    if (!after.doubtful.empty())
        after.doubtful.fail(
            {errc::unavailable, "what the call has changed in space " + space_ +
                                    " was stored so late that another node may own the key by now; "
                                    "it may be overwritten, or stay"});
}

}  // namespace dunlin::actors
