// SPDX-License-Identifier: Apache-2.0
//
// Orleans 10's stateless worker as a baseline.
//
// Written from its published rules (dotnet/orleans: StatelessWorkerGrainContext.cs,
// StatelessWorkerOptions.cs): a call goes to the first inactive worker in the order they were made,
// else to a new one up to the maximum, else to the one with the fewest waiting. Each worker has a
// queue of its own. Every 500 ms a PID controller looks at the mean number of waiting calls; while
// its signal is below zero one inactive worker, chosen at random, ends. Beside that a worker that
// was idle for 15 minutes is collected, as every grain is. A call for a worker that still starts
// counts as waiting, as it does there. One owner, one thread; see model.hpp.
#pragma once

#include "runtime/rehearsal/arrivals.hpp"
#include "runtime/rehearsal/model.hpp"
#include "runtime/rehearsal/tally.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <utility>
#include <vector>

namespace dunlin::runtime::rehearsal {

/// The controller that decides whether a worker ends.
class worker_controller {
public:
    /// True if one inactive worker is to end.
    [[nodiscard]] bool inspect(double waiting_mean) noexcept;
    /// Nothing waits any more, and nothing that waited is remembered.
    [[nodiscard]] bool at_rest() const noexcept { return previous_ == 0 && integral_ == 0; }
    /// One of so many inactive workers ends.
    void removed(std::size_t inactive) noexcept {
        integral_ *= static_cast<double>(inactive - 1) / static_cast<double>(inactive);
    }

private:
    double previous_ = 0;
    double integral_ = 0;
};

class orleans_model final : public model {
public:
    struct options {
        std::size_t max = 1;
        std::int64_t start_ns = 0;
        std::int64_t second_ns = 1'000'000'000;  // shorter in a compressed trace
    };

    /// `record` may be null.
    orleans_model(const options& with, chance from, tally& totals, timeline* record);

    void arrive(std::int64_t now_ns, std::int64_t service_ns) override;
    [[nodiscard]] std::int64_t next_ns() const noexcept override { return next_ns_; }
    void advance() override;
    [[nodiscard]] std::size_t calls_inside() const noexcept override { return busy_ + waiting_; }

private:
    struct call {
        std::int64_t arrived_ns;
        std::int64_t service_ns;
    };
    struct worker {
        bool running = false;
        std::int64_t idle_since_ns = 0;
        std::deque<call> queue;
    };
    using id = std::uint64_t;  // in the order they were made
    using event = std::pair<std::int64_t, id>;

    [[nodiscard]] id make(std::int64_t now_ns);
    void enqueue(id of, const call& next);
    void run(std::int64_t now_ns, id by, const call& next);
    void run_next(std::int64_t now_ns, id by);
    void inspect(std::int64_t now_ns);
    void collect(std::int64_t now_ns);
    void remove(std::int64_t now_ns, id which);
    [[nodiscard]] std::int64_t next_inspection(std::int64_t now_ns) const noexcept;
    void settle(std::int64_t now_ns);

    options options_;
    chance chance_;
    tally& totals_;
    timeline* record_;
    std::map<id, worker> workers_;
    std::set<id> inactive_;
    std::set<std::pair<std::size_t, id>> by_waiting_;                        // all workers
    std::priority_queue<event, std::vector<event>, std::greater<>> events_;  // ready, or done
    worker_controller controller_;
    id made_ = 0;
    std::size_t busy_ = 0;
    std::size_t waiting_ = 0;
    std::int64_t timer_since_ns_ = 0;  // of the inspections
    std::int64_t inspect_at_ns_ = never;
    std::int64_t next_ns_ = never;
};

}  // namespace dunlin::runtime::rehearsal
