// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/pool_model.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::runtime::rehearsal {

pool_model::pool_model(std::unique_ptr<scaler> policy, std::int64_t start_ns, tally& totals,
                       timeline* record)
    : policy_(std::move(policy)),
      start_ns_(start_ns),
      totals_(totals),
      record_(record) {
    start(0, policy_->initial());
    settle(0);
}

actors::elastic_view pool_model::view() const noexcept {
    return {.busy = ends_.size() - leaving_,
            .starting = starting_.size(),
            .queued = queue_.size(),
            .idle_since_ns = idle_since_};
}

void pool_model::arrive(std::int64_t now_ns, std::int64_t service_ns) {
    if (record_ != nullptr) record_->called(now_ns);
    if (idle_since_.empty() && queue_.size() >= queue_max) {
        totals_.refuse();
        return;
    }
    policy_->arrived(now_ns);
    if (idle_since_.empty()) {
        queue_.push_back({now_ns, service_ns});
        start(now_ns, policy_->starts_for_call(now_ns, view()));
    } else {
        idle_since_.pop_back();
        run(now_ns, {now_ns, service_ns});
    }
    settle(now_ns);
}

void pool_model::advance() {
    const auto now = next_ns_;
    if (!ends_.empty() && ends_.top().ends_ns == now) {
        end_one(now);
    } else if (!starting_.empty() && starting_.front() == now) {
        starting_.pop_front();
        policy_->started(start_ns_);
        take_or_idle(now);
    } else {
        change(now, policy_->look(now, view()));
    }
    settle(now);
}

void pool_model::run(std::int64_t now_ns, const call& next) {
    const auto wait = now_ns - next.arrived_ns;
    totals_.began(wait, next.service_ns);
    if (record_ != nullptr) record_->waited(now_ns, wait);
    ends_.push({after(now_ns, next.service_ns), next.service_ns});
}

void pool_model::end_one(std::int64_t now_ns) {
    policy_->ended(now_ns, ends_.top().service_ns);
    ends_.pop();
    if (leaving_ > 0) {
        --leaving_;
        gone(now_ns, 1);
    } else {
        take_or_idle(now_ns);
    }
}

void pool_model::take_or_idle(std::int64_t now_ns) {
    if (queue_.empty()) {
        idle_since_.push_back(now_ns);
        policy_->became_idle(now_ns);
    } else {
        const auto next = queue_.front();
        queue_.pop_front();
        run(now_ns, next);
    }
}

void pool_model::change(std::int64_t now_ns, const scaler::change& wanted) {
    start(now_ns, wanted.start);
    auto retire = wanted.retire;
    const auto idle = std::min(retire, idle_since_.size());
    idle_since_.erase(idle_since_.begin(), idle_since_.begin() + static_cast<std::ptrdiff_t>(idle));
    retire -= idle;
    const auto unready = std::min(retire, starting_.size());
    starting_.resize(starting_.size() - unready);
    gone(now_ns, idle + unready);
    leaving_ += std::min(retire - unready, ends_.size() - leaving_);
}

void pool_model::start(std::int64_t now_ns, std::size_t number) {
    if (number == 0) return;
    totals_.actors_changed(now_ns, static_cast<std::int64_t>(number));
    starting_.insert(starting_.end(), number, now_ns + start_ns_);
}

void pool_model::gone(std::int64_t now_ns, std::size_t number) {
    if (number > 0) totals_.actors_changed(now_ns, -static_cast<std::int64_t>(number));
}

void pool_model::settle(std::int64_t now_ns) {
    if (record_ != nullptr)
        record_->actors_are(now_ns, ends_.size() + starting_.size() + idle_since_.size(),
                            ends_.size());
    next_ns_ = policy_->look_at_ns();
    if (!starting_.empty()) next_ns_ = std::min(next_ns_, starting_.front());
    if (!ends_.empty()) next_ns_ = std::min(next_ns_, ends_.top().ends_ns);
}

}  // namespace dunlin::runtime::rehearsal
