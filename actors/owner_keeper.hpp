// SPDX-License-Identifier: Apache-2.0
//
// Keeps a node's lease on its keys in a store that several nodes share, and hands keys over.
//
// A thread of its own renews the node's row and reads those of the others (`owner_lease`). When the
// cluster has changed it has the spaces give up the keys that are others' now: what waits there is
// sent on, what is under way ends and is stored, what is in memory is dropped. Then it announces
// the new view, and offers the hottest of the keys that have left to their new owners. All of that
// goes on when one turn does not end: that one then works in vain. Owned by `hot_state`; `seen` and
// `renew` from any thread.
#pragma once

#include "actors/key_handover.hpp"
#include "actors/key_offers.hpp"
#include "actors/state/hottest_keys.hpp"
#include "actors/state/key_rights.hpp"
#include "actors/state/owner_lease.hpp"
#include "actors/state/owner_view.hpp"
#include "actors/state/state_store.hpp"

#include <dunlin/result.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace dunlin::actors {

class owner_keeper {
public:
    /// Calls that waited at a key that is another node's now.
    using mover = std::function<void(key_turns::waiter&&)>;
    /// Keys of a space that are others' now, the hottest first. @returns how many are being told to
    /// their owners.
    using offerer =
        std::function<std::size_t(const std::string& space, std::vector<std::string>&& keys)>;
    struct options {
        std::uint64_t node = 0;  // its instance
        std::uint32_t rows = 0;  // the space of the rows
        wall_clock_ms now_ms = nullptr;
    };
    /// The name of the space of the rows.
    static constexpr const char* rows_name = "dunlin.owners";

    /// `spaces` have their rights from `lease`. `offers` hear when rights have changed. Without
    /// `offer` nobody is told of keys.
    owner_keeper(state_store& store, std::shared_ptr<node_lease> lease,
                 std::vector<key_handover> spaces, std::shared_ptr<key_offers> offers, mover move,
                 offerer offer, options how);
    ~owner_keeper();
    owner_keeper(const owner_keeper&) = delete;
    owner_keeper& operator=(const owner_keeper&) = delete;

    void start();
    /// The cluster has changed.
    void seen(std::shared_ptr<const owner_view> view);
    /// Whether all that has left by the newest view has been offered.
    [[nodiscard]] bool has_offered();
    /// At once, as what has been written is to be acknowledged and the lease is over.
    /// @returns whether it is of use to try again
    [[nodiscard]] bool renew();
    /// The node owns nothing any more, and says so. @pre nothing works with its keys
    void end();

private:
    void run();
    /// One step. @returns when the next is due, by the clock of the lease.
    std::int64_t step(bool at_once);
    void go_to(const std::shared_ptr<const owner_view>& next, std::int64_t now_ns);
    /// @returns whether the next view may be announced.
    [[nodiscard]] bool given_up(std::int64_t now_ns);
    void announce();
    void look();
    void take_away(const std::vector<state_write>& abandoned);
    [[nodiscard]] result<void> write_row(bool present);
    [[nodiscard]] result<std::vector<state_read>> read_rows(std::vector<std::string>& names);
    void publish();
    void sweep();
    void offer_left();

    state_store& store_;
    const std::shared_ptr<node_lease> shared_;
    const std::vector<key_handover> spaces_;
    const std::shared_ptr<key_offers> offers_;
    const mover move_;
    const offerer offer_;
    const options options_;
    const std::string name_;  // of the node's row

    std::mutex step_;  // one at a time; guards what follows
    owner_lease lease_;
    owner_view kept_;  // what it has owned since all agreed last, by each view since
    std::shared_ptr<const owner_view> announced_;  // null: none yet
    std::shared_ptr<const owner_view> next_;       // null: none yet
    hottest_keys left_;                            // since it has offered last
    std::int64_t give_up_by_ns_ = 0;
    std::int64_t renew_ns_ = 0;  // when that is due
    std::int64_t soon_ns_ = 0;   // until the next look, while something is unsettled
    std::uint64_t row_version_ = 0;
    bool row_known_ = true;
    bool failing_ = false;  // the store

    std::mutex mutex_;
    std::condition_variable woken_;
    std::shared_ptr<const owner_view> newest_;
    std::uint64_t offered_view_ = 0;  // the last by which keys have left and been offered
    bool news_ = false;               // there is another view
    bool waits_ = false;              // somebody waits for a right
    bool ends_ = false;
    std::thread thread_;
};

}  // namespace dunlin::actors
