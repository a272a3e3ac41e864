// SPDX-License-Identifier: Apache-2.0
//
// The bundles that wait for an activation of one function: who may wait, whose turn it is, and what
// is not worth running any more.
//
// Joins `call_queue`, which is bounded and fair to callers, with `admission_limit`, which refuses
// what would come too late. What leaves without having run, because another caller's share made it
// or because its time is over, is handed out to be answered when no lock is held. Pure: no clock,
// thread or lock. Owned by a pool, under its lock.
#pragma once

#include "actors/admission_limit.hpp"
#include "actors/bundle.hpp"
#include "actors/call_queue.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::actors {

/// How fast the function's calls are served, as far as is known.
struct service_pace {
    std::int64_t service_ns = 0;  // of one invocation; 0: unknown
    std::size_t servers = 1;      // invocations that run at a time
};

class pool_queue {
public:
    struct dropped {
        bundle_ptr work;
        bool late = false;  // otherwise another caller's share made it leave
    };
    using drops = std::vector<dropped>;

    pool_queue(std::size_t invocations_max, std::int64_t target_wait_ns, std::uint64_t seed);

    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
    /// Invocations.
    [[nodiscard]] std::size_t size() const noexcept { return waiting_.waiting(); }
    [[nodiscard]] std::size_t room() const noexcept {
        return waiting_.invocations_max() - waiting_.waiting();
    }
    [[nodiscard]] std::size_t room_max() const noexcept { return waiting_.invocations_max(); }
    void set_target_wait(std::int64_t target_wait_ns) noexcept {
        limit_ = admission_limit(target_wait_ns);
        waiting_.set_target(target_wait_ns);
    }

    /// Takes the bundle, which is null then, or leaves it as it is and says why.
    [[nodiscard]] admission_decision enter(bundle_ptr& work, const service_pace& pace,
                                           std::int64_t now_ns, drops& out);
    /// The bundle whose turn it is; null when none waits.
    [[nodiscard]] bundle_ptr next(const service_pace& pace, std::int64_t now_ns, drops& out);
    /// All that waits, and nothing does any more.
    void clear(drops& out);

private:
    admission_limit limit_;
    call_queue<bundle_ptr> waiting_;
};

}  // namespace dunlin::actors
