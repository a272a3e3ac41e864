// SPDX-License-Identifier: Apache-2.0
//
// A pool in virtual time: activations that take one call at a time from one queue, first come,
// first served. A call goes to the activation that became idle last, so that the surplus ages.
//
// A start takes a constant time, and starts do not hold each other up. What is started counts as
// an actor from the decision on. See model.hpp for the owner.
#pragma once

#include "runtime/rehearsal/arrivals.hpp"
#include "runtime/rehearsal/model.hpp"
#include "runtime/rehearsal/scaler.hpp"
#include "runtime/rehearsal/tally.hpp"

#include <deque>
#include <memory>
#include <queue>
#include <vector>

namespace dunlin::runtime::rehearsal {

class pool_model final : public model {
public:
    /// `record` may be null.
    pool_model(std::unique_ptr<scaler> policy, std::int64_t start_ns, tally& totals,
               timeline* record);

    void arrive(std::int64_t now_ns, std::int64_t service_ns) override;
    [[nodiscard]] std::int64_t next_ns() const noexcept override { return next_ns_; }
    void advance() override;
    [[nodiscard]] std::size_t calls_inside() const noexcept override {
        return ends_.size() + queue_.size();
    }

private:
    struct call {
        std::int64_t arrived_ns;
        std::int64_t service_ns;
    };
    struct running {
        std::int64_t ends_ns;
        std::int64_t service_ns;
        bool operator>(const running& other) const noexcept { return ends_ns > other.ends_ns; }
    };

    [[nodiscard]] actors::elastic_view view() const noexcept;
    void run(std::int64_t now_ns, const call& next);
    void end_one(std::int64_t now_ns);
    void take_or_idle(std::int64_t now_ns);
    void change(std::int64_t now_ns, const scaler::change& wanted);
    void start(std::int64_t now_ns, std::size_t number);
    void gone(std::int64_t now_ns, std::size_t number);
    void settle(std::int64_t now_ns);

    std::unique_ptr<scaler> policy_;
    std::int64_t start_ns_;
    tally& totals_;
    timeline* record_;
    std::priority_queue<running, std::vector<running>, std::greater<>> ends_;
    std::deque<std::int64_t> starting_;  // when each is ready
    std::vector<std::int64_t> idle_since_;
    std::deque<call> queue_;
    std::size_t leaving_ = 0;  // of those that run: end after their call
    std::int64_t next_ns_ = never;
};

}  // namespace dunlin::runtime::rehearsal
