// SPDX-License-Identifier: Apache-2.0
//
// The functions every node serves about itself, under the reserved module name `dunlin`.
//
// They go through the same C ABI, pools and wire as any other function, so every caller can
// ask: `dunlin/functions` what is served, `dunlin/stats` how it goes, `dunlin/nodes` who is there,
// `dunlin/explain` why the node did what it did. `dunlin/scale` and `dunlin/record` have files of
// their own.
// Owned by the node; runs on the lanes.
#pragma once

#include "actors/function_info.hpp"
#include "runtime/calls/call_window.hpp"
#include "runtime/cluster/cluster_board.hpp"
#include "runtime/heap_trim.hpp"
#include "runtime/lane/counters.hpp"
#include "runtime/lane/memory_budget.hpp"
#include "runtime/lane/reply_budget.hpp"
#include "runtime/record_function.hpp"
#include "runtime/router/function_registry.hpp"
#include "runtime/scale_book.hpp"
#include "runtime/scale_function.hpp"
#include "runtime/security/gate_counters.hpp"
#include "runtime/state_function.hpp"
#include "runtime/store/watched_store.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::actors {
class blocking_threads;
class decision_log;
class worker_threads;
}  // namespace dunlin::actors

namespace dunlin::runtime {

class system_module {
public:
    system_module(const function_registry& functions, const memory_budget& budget,
                  const reply_budget& replies, const heap_trim& trim, const call_window& calls,
                  cluster_board& cluster, const actors::decision_log& decisions,
                  std::string node_name)
        : functions_(functions),
          budget_(budget),
          replies_(replies),
          trim_(trim),
          calls_(calls),
          cluster_(cluster),
          decisions_(decisions),
          node_name_(std::move(node_name)),
          scales_(functions),
          scale_(scales_, node_name_),
          record_(functions, node_name_),
          state_(node_name_) {}

    /// The functions to register; their `self` points into this object.
    [[nodiscard]] std::vector<actors::function_info> functions();
    /// How the functions of modules are scaled, which `dunlin/scale` shows and changes.
    [[nodiscard]] scale_book& scales() noexcept { return scales_; }
    /// Adds a lane's counters to what `dunlin/stats` shows. Before the node serves.
    void watch(const lane_counters& counters) { lanes_.push_back(&counters); }
    /// ... and the gate's, if there is one.
    void watch(const gate_counters& counters) { gate_ = &counters; }
    /// ... and who runs what is off the lanes.
    void watch(const actors::worker_threads& workers, const actors::blocking_threads& blocking) {
        workers_ = &workers;
        blocking_ = &blocking;
    }
    /// ... and which member owns a key; `instance` is the node's own.
    void watch(owner_lookup& owners, std::uint64_t instance) {
        state_.find_owners(owners, instance);
    }
    /// ... and the state of keyed functions, if there are any.
    void watch(actors::hot_state& state, const watched_store* store) {
        state_.use(state);
        spaces_ = &state;
        store_ = store;
    }

private:
    /// Whether somebody who looked within the last minute found that calls had been refused.
    [[nodiscard]] bool refused_recently(std::int64_t now_ns) noexcept;

    static std::int32_t run_functions(void* self, const dunlin_host* host, dunlin_call* call,
                                      const std::uint8_t* payload, std::size_t payload_size);
    static std::int32_t run_stats(void* self, const dunlin_host* host, dunlin_call* call,
                                  const std::uint8_t* payload, std::size_t payload_size);

    static std::int32_t run_nodes(void* self, const dunlin_host* host, dunlin_call* call,
                                  const std::uint8_t* payload, std::size_t payload_size);

    static std::int32_t run_drain(void* self, const dunlin_host* host, dunlin_call* call,
                                  const std::uint8_t* payload, std::size_t payload_size);

    static std::int32_t run_explain(void* self, const dunlin_host* host, dunlin_call* call,
                                    const std::uint8_t* payload, std::size_t payload_size);

    const function_registry& functions_;
    const memory_budget& budget_;
    const reply_budget& replies_;
    const heap_trim& trim_;
    const call_window& calls_;
    cluster_board& cluster_;
    const actors::decision_log& decisions_;
    std::string node_name_;
    scale_book scales_;
    scale_function scale_;
    record_function record_;
    state_function state_;
    const actors::hot_state* spaces_ = nullptr;
    const watched_store* store_ = nullptr;
    std::vector<const lane_counters*> lanes_;
    const gate_counters* gate_ = nullptr;
    const actors::worker_threads* workers_ = nullptr;
    const actors::blocking_threads* blocking_ = nullptr;
    std::atomic<std::uint64_t> refused_seen_{0};
    std::atomic<std::int64_t> refused_at_ns_{0};
};

}  // namespace dunlin::runtime
