// SPDX-License-Identifier: Apache-2.0
//
// The activations of a pool as its scaling sees them: how many there are, and which are idle since
// when.
//
// Keeps the counts that `elastic_policy` decides from, and carries nothing out: who asks starts and
// ends activations. The one that became idle last is used next, because its memory is warm, so that
// the surplus ages at the other end. Pure: activations are pointed at and never touched. Owned by a
// pool and guarded by its lock; time is handed in.
#pragma once

#include "actors/elastic_policy.hpp"
#include "actors/existing_time.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::actors {

class activation;

class elastic_set {
public:
    explicit elastic_set(const elastic_bounds& bounds) : policy_(bounds) {}

    [[nodiscard]] const elastic_policy& policy() const noexcept { return policy_; }
    void set_bounds(const elastic_bounds& bounds) noexcept { policy_.set_bounds(bounds); }
    [[nodiscard]] std::size_t ceiling() const noexcept { return policy_.bounds().ceiling(); }

    [[nodiscard]] std::size_t existing() const noexcept { return existing_.count(); }
    /// For how long activations have existed until `now_ns`, all together: what they cost.
    [[nodiscard]] std::int64_t existed_ns(std::int64_t now_ns) const noexcept {
        return existing_.total_ns(now_ns);
    }
    [[nodiscard]] std::size_t idle() const noexcept { return idle_.size(); }
    /// With a call, or just being started.
    [[nodiscard]] std::size_t busy() const noexcept { return existing() - idle_.size(); }
    /// More than there may be, since the ceiling was lowered: what has done its call ends.
    [[nodiscard]] bool over_ceiling() const noexcept { return existing() > ceiling(); }
    [[nodiscard]] std::uint64_t started() const noexcept { return started_; }
    [[nodiscard]] std::uint64_t retired() const noexcept { return retired_; }
    /// Of the latest start.
    [[nodiscard]] std::int64_t start_cost_ns() const noexcept { return start_cost_ns_; }

    /// A call has come: one bundle, whatever it holds.
    void arrived(std::int64_t now_ns) noexcept { policy_.arrived(now_ns); }
    /// The one for the next call; null when none is idle.
    [[nodiscard]] activation* take_idle() noexcept;
    /// Whether a call that finds none idle, and that beside `queued` others waits, is worth one.
    [[nodiscard]] start_decision decide_start(std::size_t queued) const noexcept;
    /// How many more there have to be, whatever the load.
    [[nodiscard]] std::size_t missing() const noexcept { return policy_.missing(existing()); }

    /// One is being started for a call. It counts from now on, so that nobody starts another for
    /// it.
    void start_begins(std::int64_t now_ns) noexcept;
    /// It can take the call now, and is busy.
    void start_ended(std::int64_t cost_ns) noexcept;
    /// A busy one has done what it had. @returns whether `look` has to be asked for from now on.
    [[nodiscard]] bool becomes_idle(activation& free, bool served, std::int64_t now_ns);

    /// Whether `look` has to be asked for from now on, since what is idle may end now.
    [[nodiscard]] bool wants_look(std::int64_t now_ns) noexcept {
        return policy_.became_idle(now_ns);
    }

    struct outcome {
        look_decision why;
        std::vector<activation*> ending;
    };
    /// `occupied_ns`: for how long all together have been occupied until now.
    [[nodiscard]] outcome look(std::int64_t now_ns, std::int64_t occupied_ns);
    /// A busy one has a next call at once.
    void served() noexcept { ++served_; }
    /// A busy one that has done its call ends.
    void leaves(std::int64_t now_ns) noexcept {
        ++served_;
        existing_.end(1, now_ns);
        ++retired_;
    }
    /// Takes up to `count` away, those that have been idle longest.
    [[nodiscard]] std::vector<activation*> take_coldest(std::size_t count, std::int64_t now_ns);

private:
    [[nodiscard]] elastic_view view(std::size_t queued) const noexcept {
        return {busy() - starting_, starting_, queued, idle_since_ns_};
    }

    elastic_policy policy_;
    existing_time existing_;
    std::size_t starting_ = 0;
    // Parallel: which are idle, and since when, the longest idle first.
    std::vector<activation*> idle_;
    std::vector<std::int64_t> idle_since_ns_;
    std::uint64_t served_ = 0;  // bundles that ended since the last look
    std::int64_t occupied_ns_ = 0;
    std::uint64_t started_ = 0;
    std::uint64_t retired_ = 0;
    std::int64_t start_cost_ns_ = 0;
};

}  // namespace dunlin::actors
