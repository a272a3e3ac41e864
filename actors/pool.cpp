// SPDX-License-Identifier: Apache-2.0
#include "actors/pool.hpp"

#include "actors/thread_keeper.hpp"
#include "cluster/spread.hpp"

#include <caf/make_counted.hpp>

#include <algorithm>

namespace dunlin::actors {

namespace {

/// How long is waited, for each activation, between two looks at all of them: a thousandth of the
/// time of a core at most goes into that.
constexpr std::int64_t look_ns_per_activation = 10'000;

}  // namespace

pool::pool(caf::actor_system& system, environment env, function_info info,
           std::unique_ptr<scaling_policy> scaling, std::size_t queue_depth_max)
    : env_(env),
      info_(std::move(info)),
      scaling_(std::move(scaling)),
      queue_depth_max_(queue_depth_max),
      where_(info_.blocking() ? placement::threads : placement::lane),
      stops_(caf::make_counted<stop_courier>(env_.blocking)),
      table_(system, *this),
      activations_(scaling_->initial()),
      busy_(env_.time.now_ns()) {
    idle_.reserve(activations_);
    while (idle_.size() < activations_) idle_.push_back(&table_.spawn());
}

pool::~pool() { shut_down(); }

bool pool::take_whole(bundle_ptr& work) {
    held_lock lock(mutex_);
    const auto count = work->size();
    // What goes to an idle activation at once does not wait, but passes through the same count:
    // one rule, and the number of waiting invocations can never exceed the limit.
    if (closed_ || queued_ + count > queue_depth_max_) return false;
    queued_ += count;
    unanswered_ += count;
    dispatch(std::move(work), lock);
    return true;
}

std::uint32_t pool::admit(std::uint32_t wanted) {
    const std::lock_guard lock(mutex_);
    const std::size_t room =
        closed_ || queued_ >= queue_depth_max_ ? 0 : queue_depth_max_ - queued_;
    const auto taken = static_cast<std::uint32_t>(std::min<std::size_t>(wanted, room));
    queued_ += taken;
    unanswered_ += taken;
    refused_ += wanted - taken;
    return taken;
}

void pool::take_admitted(bundle_ptr work) {
    held_lock lock(mutex_);
    if (closed_) return;  // the queue it was admitted to is gone
    dispatch(std::move(work), lock);
}

void pool::dispatch(bundle_ptr work, held_lock& lock) {
    if (idle_.empty() && activations_ < scaling_->target(load())) {
        spawn_idle(lock);
        if (closed_) return;
    }
    if (idle_.empty()) return queue_.push_back(std::move(work));
    auto* ready = idle_.back();
    idle_.pop_back();
    if (!queue_.empty()) {  // one that was spawned now begins with what has waited longest
        queue_.push_back(std::exchange(work, std::move(queue_.front())));
        queue_.pop_front();
    }
    queued_ -= work->size();
    // The message leaves without the lock: it may wake a thread, whose first act is to come here.
    lock.unlock();
    ready->start(std::move(work));
}

// Without the lock, which others need more often than an activation is spawned. It counts from the
// beginning, so that they do not spawn one too many; what they queue meanwhile has its turn first.
void pool::spawn_idle(held_lock& lock) {
    ++activations_;
    lock.unlock();
    auto& spawned = table_.spawn();
    lock.lock();
    idle_.push_back(&spawned);
    if (closed_) spawned.end();  // the shutdown may have come before it was in the table
}

void pool::release(activation& ready, std::uint32_t count) {
    bundle_ptr next;
    {
        std::lock_guard lock(mutex_);
        unanswered_ -= std::min<std::size_t>(unanswered_, count);
        if (queue_.empty() || closed_) {
            idle_.push_back(&ready);
            return;
        }
        next = std::move(queue_.front());
        queue_.pop_front();
        queued_ -= next->size();
    }
    ready.start(std::move(next));
}

pool_load pool::load() const {
    return {activations_, activations_ - idle_.size(), queued_, service_time_.predicted_ns()};
}

void pool::record(std::int64_t total_ns, std::uint32_t count) noexcept {
    invocations_.fetch_add(count, std::memory_order_relaxed);
    note_time(total_ns, count);
}

void pool::record_step(std::int64_t held_ns) noexcept { note_time(held_ns, 1); }

void pool::note_time(std::int64_t total_ns, std::uint32_t count) noexcept {
    service_time_.record(total_ns, count);
    const auto before = where();
    const auto after = decide_placement(before, service_time_);
    if (after != before) where_.store(after, std::memory_order_relaxed);
}

void pool::record_held(std::int64_t held_ns) noexcept {
    service_time_.record_at_least(held_ns);
    where_.store(decide_placement(where(), service_time_), std::memory_order_relaxed);
    if (env_.keeper != nullptr) env_.keeper->ring();
}

std::chrono::microseconds pool::retry_after() const {
    std::lock_guard lock(mutex_);
    const auto at_once = static_cast<std::int64_t>(std::max<std::size_t>(activations_, 1));
    const auto each_ns = occupied_by_one_ns(servers());
    const auto step_ns = each_ns == 0 ? cluster::step_unknown_ns : each_ns / at_once;
    const auto wait_ns = static_cast<std::int64_t>(queued_) * step_ns;
    return std::chrono::microseconds(std::max<std::int64_t>(wait_ns / 1000, 1000));
}

// How long one invocation occupies its server; 0 while that is unknown. What has ended tells, and
// what has not: when all servers are taken, half of them have been for `held_median_ns_`. How long
// a function that waits holds its thread says nothing of it.
std::int64_t pool::occupied_by_one_ns(std::size_t at_once) const noexcept {
    const bool known = occupancy_.measured() || !info_.async();
    const auto ended_ns =
        known ? std::max(occupancy_.predicted_ns(), service_time_.predicted_ns()) : 0;
    return unanswered_ >= at_once ? std::max(ended_ns, held_median_ns_) : ended_ns;
}

// How many invocations run at a time. Functions that wait hold an activation each; others also
// need a thread.
std::size_t pool::servers() const {
    const auto most = std::max<std::size_t>(scaling_->target(load()), 1);
    if (info_.async()) return most;
    switch (where()) {
        case placement::lane: return std::min(most, std::max<std::size_t>(env_.lanes, 1));
        case placement::scheduler: return std::min(most, std::max<std::size_t>(env_.threads, 1));
        case placement::threads: return most;
    }
    return most;
}

// Only this visits all activations: not with the pool's lock, and seldom when they are many.
// Threads that look at the same time agree, or the next look makes up for it.
void pool::look_at_held(held_lock& lock, std::int64_t now_ns) {
    if (now_ns < held_due_ns_) return;
    held_due_ns_ = now_ns + static_cast<std::int64_t>(activations_) * look_ns_per_activation;
    lock.unlock();
    auto held_ns = table_.busy_for_ns(now_ns);
    lock.lock();
    if (held_ns.empty()) return;
    const auto middle = held_ns.begin() + static_cast<std::ptrdiff_t>((held_ns.size() - 1) / 2);
    std::nth_element(held_ns.begin(), middle, held_ns.end());
    held_median_ns_ = *middle;
}

pool_wait pool::wait(std::int64_t now_ns) {
    held_lock lock(mutex_);
    const auto at_once = servers();
    if (busy_.is_due(0, now_ns)) {
        const auto occupied = occupied_.at(now_ns);
        // On a lane bundles of short calls take turns, and none of them has been there for long.
        const bool long_ones = info_.async() || where() != placement::lane;
        if (long_ones && occupied.busy >= at_once)
            look_at_held(lock, now_ns);
        else
            held_median_ns_ = 0;
        busy_.sample(occupied.total_ns, at_once, occupied_by_one_ns(at_once), now_ns);
    }
    const auto each_ns = occupied_by_one_ns(at_once);
    const auto step_ns = each_ns / static_cast<std::int64_t>(at_once);
    if (unanswered_ < at_once) {
        free_ns_ = std::max(free_ns_, now_ns);  // each lane looks with the time of its own turn
        const auto idle = static_cast<std::uint32_t>(at_once - unanswered_);
        return {0, step_ns, each_ns, idle, busy_.value(), free_ns_};
    }
    const auto ahead = static_cast<std::int64_t>(unanswered_ - at_once + 1);
    const auto assumed_ns = each_ns == 0 && info_.async() ? cluster::step_unknown_ns : step_ns;
    return {ahead * assumed_ns, step_ns, each_ns, 0, busy_.value(), free_ns_};
}

std::string pool::why_queued() const {
    std::lock_guard lock(mutex_);
    const auto all = activations_;
    if (queued_ == 0 || !idle_.empty() || suspended_.load(std::memory_order_relaxed) < all)
        return {};
    return "; all " + std::to_string(all) + " activations of " + info_.name +
           " are taken by calls that wait themselves: raise --activations if it calls itself, or "
           "if more of its calls are to wait at a time";
}

pool_status pool::status() const {
    std::lock_guard lock(mutex_);
    return {activations_,
            activations_ - idle_.size(),
            queued_,
            where(),
            service_time_.predicted_ns(),
            invocations_.load(std::memory_order_relaxed),
            refused_,
            static_cast<std::size_t>(std::max(stuck_.load(std::memory_order_relaxed), 0))};
}

// Off the idle list under the lock, so that no bundle can be given to it; the rest can wait.
std::size_t pool::retire(std::size_t count) {
    std::vector<activation*> ending;
    {
        std::lock_guard lock(mutex_);
        if (closed_) return 0;
        const auto coldest = idle_.begin();
        const auto end = coldest + static_cast<std::ptrdiff_t>(std::min(count, idle_.size()));
        ending.assign(coldest, end);
        idle_.erase(coldest, end);
        activations_ -= ending.size();
    }
    for (auto* each : ending) table_.retire(*each);
    return ending.size();
}

void pool::shut_down() {
    way_in_->close();
    std::deque<bundle_ptr> dropped;
    {
        std::lock_guard lock(mutex_);
        if (std::exchange(closed_, true)) return;
        dropped.swap(queue_);
        queued_ = 0;
        unanswered_ = 0;
    }
    stops_->close();
    table_.end_all();
}

}  // namespace dunlin::actors
