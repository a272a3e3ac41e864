// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/rehearse.hpp"

#include "runtime/rehearsal/dunlin_scaler.hpp"
#include "runtime/rehearsal/knative_scaler.hpp"
#include "runtime/rehearsal/orleans_model.hpp"
#include "runtime/rehearsal/pool_model.hpp"

#include <algorithm>
#include <memory>
#include <queue>
#include <utility>

namespace dunlin::runtime::rehearsal {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
/// Events between two looks at the watcher.
constexpr std::uint64_t events_between_looks = 1 << 16;

// A function, its calls to come, and its state under the policy.
struct actor_pool {
    arrivals calls;
    service_times service;
    chance service_chance;
    std::unique_ptr<model> state;

    [[nodiscard]] std::int64_t next_ns() const noexcept {
        return std::min(calls.next_ns(), state->next_ns());
    }
    // What happens by itself goes before a call at the same time, so that the call finds it done.
    void advance() {
        if (state->next_ns() <= calls.next_ns()) {
            state->advance();
        } else {
            const auto now = calls.next_ns();
            state->arrive(now, service.draw(service_chance));
            calls.advance();
        }
    }
    // Neither a call under way nor one to come: all that can follow is the end of idle ones.
    [[nodiscard]] bool finished() const noexcept {
        return calls.next_ns() == never && state->calls_inside() == 0;
    }
};

class run {
public:
    run(const trace& load, const policy_choice& policy, const rehearsal_plan& plan)
        : plan_(plan),
          policy_(policy),
          edges_ns_(load.edges_ns) {
        for (auto& edge : edges_ns_) edge /= plan.compress;
        made_.policy = policy.name;
        for (std::size_t i = 0; i < plan.recorded.size(); ++i)
            made_.timelines.emplace_back(edges_ns_.back(), plan.slots);
        pools_.reserve(load.functions.size());
        for (std::size_t i = 0; i < load.functions.size(); ++i) add(load.functions[i], i);
    }

    [[nodiscard]] outcome go(const watcher& watch) {
        using due = std::pair<std::int64_t, std::size_t>;
        std::priority_queue<due, std::vector<due>, std::greater<>> order;
        unfinished_ = 0;
        for (std::size_t i = 0; i < pools_.size(); ++i) {
            if (pools_[i].next_ns() != never) order.emplace(pools_[i].next_ns(), i);
            if (!pools_[i].finished()) ++unfinished_;
        }
        const auto end_ns = edges_ns_.back();
        while (!order.empty() && (unfinished_ > 0 || order.top().first < end_ns)) {
            const auto which = order.top().second;
            order.pop();
            // The next one's time says how long this one can go on without asking anybody.
            const auto others_ns = order.empty() ? never : order.top().first;
            if (!serve(pools_[which], others_ns, watch)) break;
            if (pools_[which].next_ns() != never) order.emplace(pools_[which].next_ns(), which);
        }
        now_ns_ = made_.whole ? std::max(now_ns_, end_ns) : now_ns_;
        made_.totals.settle(now_ns_);
        made_.seconds = static_cast<double>(now_ns_) / 1e9;
        return std::move(made_);
    }

private:
    void add(const traced_function& function, std::size_t index) {
        const auto second = std::max<std::int64_t>(1, second_ns / plan_.compress);
        pools_.push_back({arrivals(edges_ns_, function.counts, plan_.arrivals, second,
                                   chance(plan_.seed, 3 * index)),
                          service_times(function.service_ns, plan_.cv),
                          chance(plan_.seed, 3 * index + 1), make(second, index)});
    }

    [[nodiscard]] std::unique_ptr<model> make(std::int64_t second, std::size_t index) {
        const auto at = std::find(plan_.recorded.begin(), plan_.recorded.end(), index);
        auto* record =
            at == plan_.recorded.end()
                ? nullptr
                : &made_.timelines[static_cast<std::size_t>(at - plan_.recorded.begin())];
        const auto& bounds = plan_.bounds;
        if (policy_.kind == policy_kind::orleans)
            return std::make_unique<orleans_model>(
                orleans_model::options{policy_.number > 0 ? policy_.number : bounds.ceiling(),
                                       plan_.start_ns, second},
                chance(plan_.seed, 3 * index + 2), made_.totals, record);
        std::unique_ptr<scaler> scaler;
        if (policy_.kind == policy_kind::dunlin) {
            scaler = std::make_unique<dunlin_scaler>(bounds);
        } else if (policy_.kind == policy_kind::knative) {
            scaler = std::make_unique<knative_scaler>(
                knative_scaler::options{policy_.utilisation, bounds.min, bounds.ceiling(), second});
        } else {
            scaler = std::make_unique<fixed_scaler>(policy_.number);
        }
        return std::make_unique<pool_model>(std::move(scaler), plan_.start_ns, made_.totals,
                                            record);
    }

    // False if the watcher wants no more.
    [[nodiscard]] bool serve(actor_pool& pool, std::int64_t others_ns, const watcher& watch) {
        const auto end_ns = edges_ns_.back();
        const bool was_finished = pool.finished();
        do {
            now_ns_ = pool.next_ns();
            pool.advance();
            if (++events_ % events_between_looks == 0 &&
                !watch(std::min(1.0, static_cast<double>(now_ns_) / static_cast<double>(end_ns)))) {
                made_.whole = false;
                return false;
            }
            if (pool.finished() && !was_finished) {
                --unfinished_;
                break;
            }
        } while (pool.next_ns() <= others_ns && pool.next_ns() < end_ns);
        return true;
    }

    const rehearsal_plan& plan_;
    const policy_choice& policy_;
    std::vector<std::int64_t> edges_ns_;
    outcome made_;  // before those that refer to it
    std::vector<actor_pool> pools_;
    std::size_t unfinished_ = 0;
    std::uint64_t events_ = 0;
    std::int64_t now_ns_ = 0;
};

}  // namespace

double outcome::oracle_ratio() const noexcept {
    return totals.busy_seconds() > 0 ? totals.actor_seconds() / totals.busy_seconds() : 0;
}

double outcome::starts_per_second() const noexcept {
    return seconds > 0 ? static_cast<double>(totals.starts()) / seconds : 0;
}

outcome rehearse(const trace& load, const policy_choice& policy, const rehearsal_plan& plan,
                 const watcher& watch) {
    return run(load, policy, plan).go(watch);
}

}  // namespace dunlin::runtime::rehearsal
