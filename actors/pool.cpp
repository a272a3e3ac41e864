// SPDX-License-Identifier: Apache-2.0
#include "actors/pool.hpp"

#include "actors/hot_state.hpp"
#include "actors/limits.hpp"
#include "actors/thread_keeper.hpp"
#include "cluster/spread.hpp"

#include <caf/make_counted.hpp>

#include <algorithm>

namespace dunlin::actors {

namespace {

/// How long is waited, for each activation, between two looks at all of them: a thousandth of the
/// time of a core at most goes into that.
constexpr std::int64_t look_ns_per_activation = 10'000;

/// A pool with idle activations is looked at no less often, whatever the policy says: settings may
/// have changed since.
constexpr std::int64_t look_ns_max = 1'000'000'000;

scale_ground ground_of(const environment& env) noexcept {
    return {std::max(env.threads, env.lanes), env.blocking_threads};
}

std::int64_t arrival_of(bundle& work, const steady_time& time) noexcept {
    const auto arrived_ns = work[0].arrived_ns;
    return arrived_ns != 0 ? arrived_ns : time.now_ns();
}

void record(const environment& env, decision_series* of, const decision& what) {
    if (of != nullptr) env.decisions->add(*of, env.time.now_ns(), what);
}

void ask_for_look(pool& at, std::int64_t now_ns) {
    if (at.env().looks != nullptr)
        at.env().looks->look_at(at, now_ns + elastic_policy::look_every_ns);
}

void count_cold(std::atomic<std::uint64_t>& calls, const pool_work& started_for,
                const state_space* space) {
    calls.fetch_add(started_for.mark_cold(space != nullptr), std::memory_order_relaxed);
}

}  // namespace

pool::pool(caf::actor_system& system, environment env, function_info info,
           const scale_settings& settings, std::size_t queue_depth_max)
    : env_(env),
      info_(std::move(info)),
      space_(env_.state == nullptr ? nullptr : env_.state->space_of(info_)),
      runs_(info_),
      decided_(env_.decisions == nullptr ? nullptr : &env_.decisions->series_of(info_.name)),
      table_(system, *this),
      settings_(settings),
      share_(share_of(settings)),
      activations_(bounds_of(settings, info_, ground_of(env_))),
      useful_(env_.cores, activations_.policy().bounds().useful),
      queue_(queue_depth_max, settings.target_wait.count(), env_.instance),
      busy_(env_.time.now_ns()),
      held_(env_.time.now_ns()) {
    held_lock lock(mutex_);
    fill(lock);
}

pool::~pool() { shut_down(); }

pool::verdict pool::take(bundle_ptr& work, std::size_t count) {
    pool_queue::drops dropped;
    pool_work next;
    verdict told;
    activation* ready = nullptr;
    {
        held_lock lock(mutex_);
        if (closed_) return {};
        if (space_ == nullptr) activations_.arrived(arrival_of(*work, env_.time));
        ready = activations_.take_idle();
        if (ready == nullptr) {
            const auto decided = activations_.decide_start(queue_.size() + granted_.size());
            if (decided.start) ready = start_one(lock, decided.reason);
            if (closed_) return {};
            if (ready != nullptr) {
                next = take_next(dropped);  // what has waited has its turn first
                count_cold(cold_calls_, next ? next : pool_work{work, {}}, space_);
            }
        }
        if (ready != nullptr && !next) {
            unanswered_ += count;
            taken_ += count;
            next.work = std::exchange(work, {});
        } else {
            const auto size = static_cast<std::uint32_t>(work->size());
            told.why = queue_.enter(work, pace(), env_.time.now_ns(), dropped);
            if (!work) {
                unanswered_ += count;
                taken_ += count;
            }
            if (work && told.why.reason == admission_reason::full)
                told.room = static_cast<std::uint32_t>(std::min<std::size_t>(queue_.room(), size));
        }
    }
    // Without the lock: a message may wake a thread, whose first act is to come here.
    if (next) std::move(next).start_on(*ready);
    answer(dropped);
    return told;
}

// @returns nothing when nothing waits. Those that hold a key have waited already.
pool_work pool::take_next(pool_queue::drops& dropped) {
    if (!granted_.empty()) {
        pool_work next{{}, std::move(granted_.front())};
        granted_.pop_front();
        return next;
    }
    if (queue_.empty()) return {};
    return {queue_.next(pace(), env_.time.now_ns(), dropped), {}};
}

// Not under the lock: answering may lead back here.
void pool::answer(pool_queue::drops& dropped) {
    if (dropped.empty()) return;
    std::uint32_t late = 0;
    std::uint32_t pushed = 0;
    for (const auto& each : dropped) (each.late ? late : pushed) += each.work->size();
    std::uint32_t gone = late + pushed;
    if (space_ != nullptr) gone = 0;
    for (const auto& each : dropped) gone += space_ == nullptr ? 0 : holders_in(*each.work);
    {
        const std::lock_guard lock(mutex_);
        unanswered_ -= std::min<std::size_t>(unanswered_, gone);
        pushed_out_ += pushed;
    }
    shed_.fetch_add(late, std::memory_order_relaxed);
    const auto why_late =
        late == 0 ? error{} : refusal({.reason = admission_reason::out_of_time}, late);
    const auto why_pushed =
        pushed == 0 ? error{} : refusal({.reason = admission_reason::share}, pushed);
    for (const auto& each : dropped)
        for (std::uint32_t i = 0; i < each.work->size(); ++i) {
            auto& call = (*each.work)[i];
            call.origin->answer_error(call.address, each.late ? why_late : why_pushed);
        }
    // Those that wait for a key have a turn all the same, in which they do not run.
    if (space_ != nullptr)
        for (const auto& each : dropped) space_->withdraw(*each.work);
    dropped.clear();
}

// Without the lock, which others need more often than an activation is started. It counts from the
// beginning, so that they do not start one too many; what they queue meanwhile has its turn first.
// @returns null when the pool was shut down meanwhile.
activation* pool::start_one(held_lock& lock, scaling_reason why) {
    const auto before = activations_.existing();
    const auto queued = queue_.size();
    const auto began_ns = env_.time.now_ns();
    activations_.start_begins(began_ns);
    lock.unlock();
    auto& started = table_.spawn();
    const auto cost_ns = env_.time.now_ns() - began_ns;
    record(env_, decided_,
           {.kind = decision_kind::start,
            .rule = to_string(why),
            .of = "activations",
            .before = static_cast<std::int64_t>(before),
            .after = static_cast<std::int64_t>(before + 1),
            .inputs = {{"queued", queued}, {"start_us", cost_ns / 1000}}});
    lock.lock();
    activations_.start_ended(cost_ns);
    if (!closed_) return &started;
    started.end();  // the shutdown may have come before it was in the table
    return nullptr;
}

// Starts what there has to be: the minimum, and what is waited for when the ceiling has risen.
void pool::fill(held_lock& lock) {
    while (!closed_) {
        const bool missing = activations_.missing() != 0;
        const auto waiting = queue_.size() + granted_.size();
        const bool waits = waiting != 0 && activations_.decide_start(waiting - 1).start;
        if (!missing && !waits) return;
        auto* ready =
            start_one(lock, missing ? scaling_reason::below_minimum : scaling_reason::none_idle);
        if (ready == nullptr) return;
        pool_queue::drops dropped;
        auto next = take_next(dropped);
        if (next) {
            count_cold(cold_calls_, next, space_);
        } else {
            const auto now_ns = env_.time.now_ns();
            if (activations_.becomes_idle(*ready, false, now_ns)) ask_for_look(*this, now_ns);
        }
        lock.unlock();
        if (next) std::move(next).start_on(*ready);
        answer(dropped);
        lock.lock();
    }
}

void pool::release(activation& ready, std::uint32_t count, std::int64_t now_ns) {
    pool_queue::drops dropped;
    pool_work next;
    bool look = false;
    bool ends = false;
    std::size_t left = 0;
    {
        std::lock_guard lock(mutex_);
        unanswered_ -= std::min<std::size_t>(unanswered_, count);
        ends = !closed_ && activations_.over_ceiling();
        if (!closed_ && !ends) next = take_next(dropped);
        if (ends) {
            activations_.leaves(now_ns);
            left = activations_.existing();
        }
        if (next) activations_.served();
        if (!ends && !next) look = activations_.becomes_idle(ready, true, now_ns);
    }
    // Either may be the last that this thread does with the activation.
    if (ends) {
        table_.retire(ready);
        record(env_, decided_,
               {.kind = decision_kind::retire,
                .rule = to_string(scaling_reason::above_ceiling),
                .of = "activations",
                .before = static_cast<std::int64_t>(left + 1),
                .after = static_cast<std::int64_t>(left),
                .inputs = {}});
    }
    if (next) std::move(next).start_on(ready);
    if (look) ask_for_look(*this, now_ns);
    answer(dropped);
}

void pool::set_scale(const scale_settings& settings) {
    held_lock lock(mutex_);
    const auto before = std::exchange(settings_, settings);
    share_.store(share_of(settings), std::memory_order_relaxed);
    queue_.set_target_wait(settings.target_wait.count());
    const auto changed = [&](const char* what, auto old, auto now) {
        if (old == now) return;
        record(env_, decided_,
               {.kind = decision_kind::set,
                .rule = "somebody asked for it",
                .of = what,
                .before = static_cast<std::int64_t>(old),
                .after = static_cast<std::int64_t>(now),
                .inputs = {}});
    };
    changed("min", before.min, settings_.min);
    changed("max", before.max, settings_.max);
    changed("target_wait_us", before.target_wait.count() / 1000,
            settings_.target_wait.count() / 1000);
    changed("idle_us", before.idle.count() / 1000, settings_.idle.count() / 1000);
    changed("priority", before.priority, settings_.priority);
    changed("weight", before.weight, settings_.weight);
    set_bounds(lock);
    const auto now_ns = env_.time.now_ns();
    if (activations_.idle() != 0 && activations_.wants_look(now_ns)) ask_for_look(*this, now_ns);
}

void pool::set_bounds(held_lock& lock) {
    auto bounds = bounds_of(settings_, info_, ground_of(env_));
    bounds.useful = std::min(bounds.useful, useful_.value());
    if (!info_.async() && !info_.blocking())
        bounds.useful += std::min(runs_.stuck(), limits::workers_replaced_max);
    activations_.set_bounds(bounds);
    fill(lock);
}

void pool::count_stuck(int change) {
    runs_.count_stuck(change);
    held_lock lock(mutex_);
    set_bounds(lock);
}

void pool::record_processor(std::int64_t wall_ns, std::int64_t processor_ns, std::int64_t now_ns) {
    held_lock lock(mutex_);
    const auto before = useful_.value();
    const auto existing = activations_.existing();
    if (!useful_.ended(wall_ns, processor_ns, existing, now_ns)) return;
    const bool fewer = useful_.value() < before;
    record(env_, decided_,
           {.kind = decision_kind::set,
            .rule = fewer ? "its calls together used nearly all cores"
                          : "its calls left much of the cores unused",
            .of = "useful activations",
            .before = static_cast<std::int64_t>(before),
            .after = static_cast<std::int64_t>(useful_.value()),
            .inputs = {{"existing", existing}, {"cores", env_.cores}}});
    set_bounds(lock);
}

scale_settings pool::scale() const {
    const std::lock_guard lock(mutex_);
    return settings_;
}

void pool::record_held(std::int64_t held_ns) noexcept {
    runs_.still_holds(held_ns);
    if (env_.keeper != nullptr) env_.keeper->ring();
}

std::chrono::microseconds pool::retry_after() const {
    std::lock_guard lock(mutex_);
    const auto at_once = static_cast<std::int64_t>(servers());
    const auto each_ns = occupied_by_one_ns(servers());
    const auto step_ns = each_ns == 0 ? cluster::step_unknown_ns : each_ns / at_once;
    const auto wait_ns = static_cast<std::int64_t>(queue_.size()) * step_ns;
    return std::chrono::microseconds(std::max<std::int64_t>(wait_ns / 1000, 1000));
}

// How long one invocation occupies its server; 0 while that is unknown. What has ended tells, and
// what has not: when all servers are taken, half of them have been for `held_median_ns_`. How long
// a function that waits holds its thread says nothing of it.
std::int64_t pool::occupied_by_one_ns(std::size_t at_once) const noexcept {
    const auto ended_ns = runs_.occupied_by_one_ns();
    return unanswered_ >= at_once ? std::max(ended_ns, held_median_ns_) : ended_ns;
}

// How many invocations run at a time. Functions that wait hold an activation each; others also
// need a thread.
std::size_t pool::servers() const {
    const auto most = std::max<std::size_t>(activations_.ceiling(), 1);
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
    held_due_ns_ =
        now_ns + static_cast<std::int64_t>(activations_.existing()) * look_ns_per_activation;
    lock.unlock();
    auto held_ns = table_.busy_for_ns(now_ns);
    lock.lock();
    if (held_ns.empty()) return;
    const auto middle = held_ns.begin() + static_cast<std::ptrdiff_t>((held_ns.size() - 1) / 2);
    std::nth_element(held_ns.begin(), middle, held_ns.end());
    held_median_ns_ = *middle;
}

service_pace pool::pace() const {
    const auto at_once = servers();
    return {occupied_by_one_ns(at_once), at_once};
}

pool_wait pool::wait(std::int64_t now_ns) {
    held_lock lock(mutex_);
    const auto at_once = servers();
    if (busy_.is_due(0, now_ns)) {
        const auto occupied = runs_.occupied().at(now_ns);
        // On a lane bundles of short calls take turns, and none of them has been there for long.
        const bool long_ones = info_.async() || where() != placement::lane;
        if (long_ones && occupied.busy >= at_once)
            look_at_held(lock, now_ns);
        else
            held_median_ns_ = 0;
        busy_.sample(occupied.total_ns, at_once, occupied_by_one_ns(at_once), now_ns);
        // Activations that wait without a thread are no measure of how busy a node is.
        if (info_.async())
            held_.sample(runs_.held_total_ns(), ground_of(env_).threads,
                         runs_.service().predicted_ns(), now_ns);
    }
    const auto busy = std::max(busy_.value(), held_.value());
    const auto each_ns = occupied_by_one_ns(at_once);
    const auto step_ns = each_ns / static_cast<std::int64_t>(at_once);
    const auto in_flight = static_cast<std::uint32_t>(unanswered_);
    const auto room = info_.async() || info_.blocking() ? cluster::room_of_waiting : 0;
    if (unanswered_ < at_once) {
        free_ns_ = std::max(free_ns_, now_ns);  // each lane looks with the time of its own turn
        const auto idle = static_cast<std::uint32_t>(at_once - unanswered_);
        return {0, step_ns, each_ns, idle, busy, free_ns_, in_flight, room};
    }
    const auto ahead = static_cast<std::int64_t>(unanswered_ - at_once + 1);
    const auto assumed_ns = each_ns == 0 && info_.async() ? cluster::step_unknown_ns : step_ns;
    return {ahead * assumed_ns, step_ns, each_ns, 0, busy, free_ns_, in_flight, room};
}

std::string pool::why_queued() const {
    std::lock_guard lock(mutex_);
    const auto all = activations_.existing();
    if (queue_.empty() || activations_.idle() != 0 || all < activations_.ceiling() ||
        runs_.suspended() < all)
        return {};
    return "; all " + std::to_string(all) + " activations of " + info_.name +
           " are taken by calls that wait themselves: raise --activations if it calls itself, or "
           "if more of its calls are to wait at a time";
}

pool_status pool::status() const {
    std::lock_guard lock(mutex_);
    const auto now_ns = env_.time.now_ns();
    const auto turned_away = refused_.load(std::memory_order_relaxed);
    return {activations_.existing(),
            activations_.busy(),
            queue_.size(),
            where(),
            runs_.service().predicted_ns(),
            runs_.invocations(),
            turned_away + pushed_out_,
            shed_.load(std::memory_order_relaxed),
            activations_.started(),
            activations_.retired(),
            cold_calls_.load(std::memory_order_relaxed),
            activations_.start_cost_ns(),
            runs_.stuck(),
            taken_ + turned_away,
            runs_.occupied().at(now_ns).total_ns,
            activations_.existed_ns(now_ns)};
}

pool::look_result pool::look(std::int64_t now_ns) {
    elastic_set::outcome decided;
    std::size_t left = 0;
    std::size_t busy = 0;
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return {};
        decided = activations_.look(now_ns, runs_.occupied().at(now_ns).total_ns);
        left = activations_.existing();
        busy = activations_.busy();
    }
    for (auto* each : decided.ending) table_.retire(*each);
    if (!decided.ending.empty())
        record(env_, decided_,
               {.kind = decision_kind::retire,
                .rule = to_string(decided.why.reason),
                .of = "activations",
                .before = static_cast<std::int64_t>(left + decided.ending.size()),
                .after = static_cast<std::int64_t>(left),
                .inputs = {{"busy", busy},
                           {"calls_per_s", decided.why.arrivals_per_second},
                           {"service_us", decided.why.service_seconds * 1e6},
                           {"price_ms", decided.why.price_seconds * 1e3}}});
    const auto next_ns = decided.why.next_ns == elastic_policy::never
                             ? elastic_policy::never
                             : std::min(decided.why.next_ns, now_ns + look_ns_max);
    return {next_ns, decided.ending.size()};
}

// Off the idle list under the lock, so that no bundle can be given to it; the rest can wait.
std::size_t pool::retire(std::size_t count) {
    std::vector<activation*> ending;
    {
        std::lock_guard lock(mutex_);
        if (closed_) return 0;
        ending = activations_.take_coldest(count, env_.time.now_ns());
    }
    for (auto* each : ending) table_.retire(*each);
    return ending.size();
}

bool pool::pass_stop_on(stop_running stop) {
    caf::intrusive_ptr<stop_courier> courier;
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return false;
        if (!stops_) stops_ = caf::make_counted<stop_courier>(env_.blocking);
        courier = stops_;
    }
    return courier->take(std::move(stop));
}

void pool::shut_down() {
    way_in_->close();
    pool_queue::drops dropped;
    {
        std::lock_guard lock(mutex_);
        if (std::exchange(closed_, true)) return;
        queue_.clear(dropped);
        granted_.clear();
        unanswered_ = 0;
    }
    // Nobody makes one now that the pool is closed.
    if (stops_) stops_->close();
    table_.end_all();
}

}  // namespace dunlin::actors
