// SPDX-License-Identifier: Apache-2.0
#include "actors/pool_queue.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

namespace dunlin::actors {
namespace {

std::int64_t latest_deadline_ns(bundle& work) noexcept {
    auto latest = std::numeric_limits<std::int64_t>::min();
    for (std::uint32_t i = 0; i < work.size(); ++i) latest = std::max(latest, work[i].deadline_ns);
    return latest;
}

std::int64_t left_ns(std::int64_t deadline_ns, std::int64_t now_ns) noexcept {
    return deadline_ns == no_deadline ? no_deadline : deadline_ns - now_ns;
}

}  // namespace

pool_queue::pool_queue(std::size_t invocations_max, std::int64_t target_wait_ns, std::uint64_t seed)
    : limit_(target_wait_ns),
      waiting_(invocations_max, seed, standing_rule{.target_ns = target_wait_ns}) {}

admission_decision pool_queue::enter(bundle_ptr& work, const service_pace& pace,
                                     std::int64_t now_ns, drops& out) {
    const call_share from{work->caller(), work->weight()};
    const auto found = waiting_.look(from);
    const auto deadline_ns = latest_deadline_ns(*work);
    const admission_view view{
        predicted_wait_ns(found.ahead, pace.service_ns, std::max<std::size_t>(pace.servers, 1)),
        pace.service_ns, left_ns(deadline_ns, now_ns), found.stands};
    const auto decided = limit_.decide(view);
    if (!decided.admitted) return decided;
    waiting_work<bundle_ptr> added{std::move(work), 0, deadline_ns, now_ns};
    added.count = added.work->size();
    bool taken = false;
    try {
        taken = waiting_.push(from, added, [&](waiting_work<bundle_ptr>&& pushed) {
            out.push_back({std::move(pushed.work), false});
        });
    } catch (const std::bad_alloc&) {
        taken = false;  // no memory is no room
    }
    if (taken) return decided;
    work = std::move(added.work);
    return limit_.full(view);
}

bundle_ptr pool_queue::next(const service_pace& pace, std::int64_t now_ns, drops& out) {
    for (;;) {
        auto found = waiting_.pop(now_ns, pace.service_ns, [&](waiting_work<bundle_ptr>&& late) {
            out.push_back({std::move(late.work), true});
        });
        if (found.next) return std::move(found.next->work);
        if (!found.again) return {};
    }
}

void pool_queue::clear(drops& out) {
    waiting_.clear([&](waiting_work<bundle_ptr>&& left) {
        out.push_back({std::move(left.work), false});
    });
}

}  // namespace dunlin::actors
