// SPDX-License-Identifier: Apache-2.0
#include "runtime/node_services.hpp"

#include "actors/call_key.hpp"
#include "cluster/rendezvous.hpp"
#include "cluster/warm_set.hpp"
#include "runtime/lane/lane.hpp"
#include "runtime/log.hpp"

#include <time.h>

#include <chrono>

namespace dunlin::runtime {

namespace {

/// Asking another node costs more than a wait of this length.
constexpr std::int64_t quick_ns = 200'000;

/// Whether a call stays here without a lane's decision: the function is warm here, and has neither
/// a queue nor so many calls that others should take some.
bool is_quick(const function_registry::served& function, std::int64_t now_ns) {
    if (!function.kept_here(now_ns)) return false;
    const auto wait = function.pool->wait(now_ns);
    const auto full = cluster::warm_set::grow_share * static_cast<float>(wait.room);
    return wait.wait_ns < quick_ns && (wait.room == 0 || static_cast<float>(wait.in_flight) < full);
}

}  // namespace

std::int64_t steady_clock_time::now_ns() const noexcept {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

std::int64_t steady_clock_time::processor_ns() const noexcept {
    timespec used{};
    if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) != 0) return 0;
    return std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

lane& lanes_of_node::at_hand() const {
    for (auto* each : all_)
        if (each->ownership().owned_here()) return *each;
    return *all_.front();
}

lane* lanes_of_node::of_port(const actors::answer_port& port) const {
    for (auto* each : all_)
        if (&each->calls() == &port) return each;
    return nullptr;
}

lane& lanes_of_node::of_key(bytes_view key) const {
    return *all_[cluster::partition_of(as_text(key)) % all_.size()];
}

void node_router::route(std::string_view function, actors::bundle_ptr single,
                        const actors::callers_turn& caller) {
    auto& call = (*single)[0];
    const auto* known = functions_.find_served(function);
    auto* pool = known == nullptr ? nullptr : known->pool.get();
    if (pool != nullptr && !pool->info().key_field.empty()) {
        const auto key =
            actors::key_of_call(pool->info(), call.payload, call.key, single->memory());
        if (!key) return call.origin->answer_error(call.address, key.error());
        call.key = *key;
    }
    if (pool != nullptr && actors::waits_for_caller(pool->info(), call.key, caller))
        return call.origin->answer_error(call.address, actors::would_wait(pool->info()));
    if (!alone_.load(std::memory_order_relaxed)) {
        // A key has an owner, however quick it would be here.
        if (known == nullptr || !call.key.empty() || !is_quick(*known, time_.now_ns())) {
            auto& by = call.key.empty() ? lanes_.at_hand() : lanes_.of_key(call.key);
            if (by.commands().push(travelling_call{std::string(function), single})) return;
        }
    }
    if (pool == nullptr)
        return call.origin->answer_error(call.address, functions_.unknown(function));
    pool->submit(std::move(single), [pool](actors::bundle& work, std::uint32_t from,
                                           const actors::admission_decision& reason) {
        const auto why = pool->refusal(reason, work.size() - from);
        for (std::uint32_t i = from; i < work.size(); ++i)
            work[i].origin->answer_error(work[i].address, why);
    });
}

// It is answered where it came from: by the lane that has it, or to a function of this node.
void node_router::send_on(actors::pool& of, actors::bundle_ptr work, std::uint32_t index) {
    auto& call = (*work)[index];
    of.answered(1);
    if (call.moves >= wire::invoke_flags::moves_max) {
        error why{errc::unavailable,
                  "the key of the call has moved on from node to node as often as the call may "
                  "follow; " +
                      of.info().name + " did not run"};
        why.did_not_run = true;
        return call.origin->answer_error(call.address, std::move(why));
    }
    // Who stops it finds no activation that has had it before.
    call.runner.store(nullptr, std::memory_order_seq_cst);
    if (auto* lane = lanes_.of_port(*call.origin)) {
        // A lane that has ended has answered all of its calls.
        static_cast<void>(lane->commands().push(moving_call{call.address}));
        return;
    }
    ++call.moves;
    route(of.info().name, std::move(work), {});
}

std::shared_ptr<actors::operation_timer> lane_timers::arm(actors::activation_table& owner,
                                                          actors::answer_address operation,
                                                          std::int64_t deadline_ns,
                                                          std::int32_t code) {
    return lanes_.at_hand().calls().arm_timer(owner, operation, deadline_ns, code);
}

void lane_timers::disarm(const std::shared_ptr<actors::operation_timer>& timer) {
    const auto armed = std::static_pointer_cast<lane_timer>(timer);
    armed->at->disarm_timer(armed);
}

void logged_functions::write(std::int32_t level, std::string_view function,
                             std::string_view request, std::string_view text) noexcept {
    auto severity = spdlog::level::debug;
    if (level == DUNLIN_LOG_INFO)
        severity = spdlog::level::info;
    else if (level == DUNLIN_LOG_WARN)
        severity = spdlog::level::warn;
    else if (level >= DUNLIN_LOG_ERROR)
        severity = spdlog::level::err;
    log().line(severity, text, {{"function", function}, {"request", request}});
}

}  // namespace dunlin::runtime
