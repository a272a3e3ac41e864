// SPDX-License-Identifier: Apache-2.0
//
// What an activation of a keyed function has to run: calls that hold their keys, one after another.
//
// It comes as a bundle, some of whose calls hold their keys, or as a grant of one key. When a key's
// calls are done the key goes to the next; if those are calls of the same function that waited for
// it, this activation gets them in the same go. Replies that depend on what the store does not have
// yet are kept until the key is given back, and held there. Owned by an activation; one thread at a
// time.
#pragma once

#include "actors/bundle.hpp"
#include "actors/key_turns.hpp"
#include "actors/state_space.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

struct dunlin_call;

namespace dunlin::actors {

class pool;
class run_record;

class turn_list {
public:
    turn_list(pool& of, state_space& in);

    // Something to run. @pre there is nothing
    void take(bundle_ptr work) {
        work_ = std::move(work);
        next_ = 0;
    }
    void take(key_grant held) {
        held_ = std::move(held);
        at_ = 0;
    }
    /// The next call; keys whose calls are done have been given on by then. @returns false when
    /// there is none.
    [[nodiscard]] bool next(turn& which);
    /// For that call: finds its state. @returns whether it may run; otherwise it has failed, or has
    /// been applied before and has the reply of then.
    [[nodiscard]] bool open(dunlin_call& call);
    /// Instead, when the key is not the node's any more: the call waits for its turn again, and has
    /// not been answered. @returns whether it does
    [[nodiscard]] bool put_back(const turn& next);
    /// That call has run, or will not: what it has changed counts, if it may.
    void close(dunlin_call& call);
    void not_run() noexcept { ++done_.calls; }
    /// For the latencies, which are recorded when some have run: up to the reply of the function,
    /// without what that waits for the store.
    void has_run(const invocation& call) {
        if (call.arrived_ns != 0) arrived_ns_.push_back(call.arrived_ns);
    }
    void record_latencies(run_record& into, std::int64_t now_ns) noexcept;
    /// Replies of calls wait for the store.
    [[nodiscard]] bool holds_replies() const noexcept {
        return space_.gates(writes(), held_.stored);
    }
    [[nodiscard]] turns_done& done() noexcept { return done_; }
    /// What has been changed up to now goes to the store, although the call goes on; `to` is told.
    void commit(dunlin_call& call, answer_port& port, answer_address to);

private:
    [[nodiscard]] bool writes() const noexcept;
    [[nodiscard]] key_turns::waiter waits(const turn& which) const;
    /// What names the call among those of its key, at whichever node it runs.
    [[nodiscard]] call_name name_of(const dunlin_call& call) const noexcept;
    /// What names this sending of it, among all that may write: two nodes may have it.
    [[nodiscard]] call_name writer_of(const dunlin_call& call) const noexcept;
    /// @returns whether it has been applied; then it has its outcome.
    [[nodiscard]] bool recalled(dunlin_call& call) const;

    pool& pool_;
    state_space& space_;
    /// Its calls may come again after they have changed something that is stored.
    const bool recalls_;
    const std::uint64_t function_;  // so that who mixes up his ids gets no other function's reply
    bundle_ptr work_;
    std::uint32_t next_ = 0;
    key_grant held_;
    std::size_t at_ = 0;  // the next of its turns
    turn current_;        // ... and the one that runs, where nodes share the store
    turns_done done_;
    std::vector<std::int64_t> arrived_ns_;  // of those that have run
};

}  // namespace dunlin::actors
