// SPDX-License-Identifier: Apache-2.0
//
// Calls with a key whose owner lives, says the membership, and cannot be reached just now.
//
// To run such a call on another node would give its key two owners. Most often the owner has just
// died, and the membership says so within a second, or only the connection broke, and a new one
// stands sooner: so the call waits, and is looked at again when either happens. So does one that
// its owner has refused because it leaves. None waits longer than `wait_max_ns`, nor do more than
// `calls_max` wait; what is over is refused as a call that did not run. In order of arrival. Pure:
// time is handed in. One owner, one thread.
#pragma once

#include "actors/invocation.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <utility>

namespace dunlin::runtime {

class owner_wait {
public:
    static constexpr std::size_t calls_max = 16384;
    static constexpr std::int64_t wait_max_ns = 2'000'000'000;

    /// @param said why the owner has refused it; null: it could not be asked
    /// @returns false when as many wait as may.
    [[nodiscard]] bool add(actors::answer_address call, std::int64_t now_ns,
                           std::shared_ptr<const error> said = nullptr) {
        if (waiting_.size() >= calls_max) return false;
        waiting_.push_back({call, now_ns + wait_max_ns, std::move(said)});
        return true;
    }

    /// Something has changed. `goes(call)` says whether the call waits no more.
    template <class Goes>
    void look_again(Goes&& goes) {
        // What goes may come back, behind those that have waited longer.
        const auto asked = std::exchange(waiting_, {});
        std::deque<waiting_call> left;
        for (const auto& each : asked)
            if (!goes(each.call)) left.push_back(each);
        left.insert(left.end(), waiting_.begin(), waiting_.end());
        waiting_ = std::move(left);
    }

    /// Calls `end(call, said)` for those that have waited long enough.
    template <class End>
    void end_overdue(std::int64_t now_ns, End&& end) {
        while (!waiting_.empty() && waiting_.front().until_ns <= now_ns) {
            const auto over = std::move(waiting_.front());
            waiting_.pop_front();
            end(over.call, over.said.get());
        }
    }

    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }
    /// When `end_overdue` has something to do.
    [[nodiscard]] std::int64_t next_ns() const noexcept {
        return waiting_.empty() ? std::numeric_limits<std::int64_t>::max()
                                : waiting_.front().until_ns;
    }

private:
    struct waiting_call {
        actors::answer_address call;
        std::int64_t until_ns;
        std::shared_ptr<const error> said;
    };
    std::deque<waiting_call> waiting_;
};

}  // namespace dunlin::runtime
