// SPDX-License-Identifier: Apache-2.0
#include "runtime/system_module.hpp"

#include "actors/blocking_threads.hpp"
#include "actors/worker_threads.hpp"
#include "runtime/config/scale_fields.hpp"
#include "runtime/explain_answer.hpp"
#include "runtime/log.hpp"
#include "runtime/packed_list.hpp"
#include "runtime/state_figures.hpp"
#include "runtime/system_answer.hpp"
#include "runtime/system_input.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>

namespace dunlin::runtime {

namespace {

using nlohmann::json;

/// How the activations of a pool come and go, the same for `dunlin/functions` and `dunlin/stats`.
void add_elasticity(json& to, const actors::pool_status& status) {
    to["activations"] = status.activations;
    to["activations_started"] = status.started;
    to["activations_retired"] = status.retired;
    to["cold_calls"] = status.cold_calls;
    to["shed"] = status.shed;
    to["start_time_us"] = static_cast<double>(status.start_cost_ns) / 1e3;
    to["busy_us"] = status.occupied_ns / 1000;
    to["activation_us"] = status.existed_ns / 1000;
}

json schema(const std::string& text) {
    if (text.empty()) return nullptr;
    auto parsed = json::parse(text, nullptr, false);
    return parsed.is_discarded() ? json(text) : parsed;
}

json describe(const actors::scale_settings& scale) {
    const auto us = [](std::chrono::nanoseconds time) {
        return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    };
    return {{"min", scale.min},
            {"max", scale.max == 0 ? json(nullptr) : json(scale.max)},
            {"target_wait_us", us(scale.target_wait)},
            {"idle_us", us(scale.idle)},
            {"priority", std::string(priority_name(static_cast<std::int64_t>(scale.priority)))},
            {"weight", scale.weight}};
}

json describe(const actors::pool& pool) {
    const auto& info = pool.info();
    const auto status = pool.status();
    json about{{"name", info.name},
               {"module", info.module_name},
               {"module_version", info.module_version},
               {"description", info.description},
               {"idempotent", info.idempotent()},
               {"blocking", info.blocking()},
               {"async", info.async()},
               {"input", schema(info.input_schema)},
               {"output", schema(info.output_schema)},
               {"placement", std::string(actors::to_string(status.where))},
               {"busy", status.busy},
               {"queue_depth", status.queued},
               {"queue_depth_max", pool.queue_depth_max()},
               {"service_time_us", static_cast<double>(status.service_time_ns) / 1e3},
               {"invocations", status.invocations},
               {"refused", status.refused},
               {"stuck", status.stuck},
               {"scale", describe(pool.scale())}};
    add_elasticity(about, status);
    return about;
}

std::int64_t steady_now_ns() {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

/// What the functions of this node do, for those who size the cluster.
struct work {
    double busiest = 0;        // moving average, from 0 to 1, of the function that uses most
    double used = 0;           // of all that compute, which share processors; or that, if more
    std::int64_t wait_ns = 0;  // the longest that a call would wait that came now
};

work work_of(const function_registry& functions, std::int64_t now_ns) {
    work all;
    double computing = 0;
    for (auto* pool : functions.pools()) {
        const auto now = pool->wait(now_ns);
        all.busiest = std::max(all.busiest, static_cast<double>(now.busy));
        if (now.room == 0) computing += now.busy;
        all.wait_ns = std::max(all.wait_ns, now.wait_ns);
    }
    all.used = std::max(all.busiest, std::min(computing, 1.0));
    return all;
}

bool is_living(const node_status& node) { return node.state != "dead" && node.state != "left"; }

/// Nil on a node without keyed functions.
json state_of(const actors::hot_state* state, const watched_store* store) {
    if (state == nullptr) return nullptr;
    json spaces = json::array();
    for (const auto& [name, space] : state->spaces()) spaces.push_back(figures_of(name, *space));
    return {{"store", figures_of(store)}, {"spaces", std::move(spaces)}};
}

struct named_counter {
    const char* name;
    counter lane_counters::*value;
};

constexpr named_counter named_counters[] = {
    {"turns", &lane_counters::turns},
    {"frames_received", &lane_counters::frames_received},
    {"frames_sent", &lane_counters::frames_sent},
    {"frames_malformed", &lane_counters::frames_malformed},
    {"frames_oversized", &lane_counters::frames_oversized},
    {"frames_before_hello", &lane_counters::frames_before_hello},
    {"connections_refused", &lane_counters::connections_refused},
    {"handshakes_failed", &lane_counters::handshakes_failed},
    {"impostors", &lane_counters::impostors},
    {"permission_denied", &lane_counters::permission_denied},
    {"calls_beyond_quota", &lane_counters::calls_beyond_quota},
    {"peers_expelled", &lane_counters::peers_expelled},
    {"invocations_received", &lane_counters::invocations_received},
    {"replies_sent", &lane_counters::replies_sent},
    {"failures_sent", &lane_counters::failures_sent},
    {"answers_late", &lane_counters::answers_late},
    {"answers_undeliverable", &lane_counters::answers_undeliverable},
    {"calls_overdue", &lane_counters::calls_overdue},
    {"calls_forwarded", &lane_counters::calls_forwarded},
    {"calls_retried", &lane_counters::calls_retried},
    {"calls_lost_twice", &lane_counters::calls_lost_twice},
    {"calls_kept_for_owner", &lane_counters::calls_kept_for_owner},
    {"peers_connected", &lane_counters::peers_connected},
    {"peers_slow_dropped", &lane_counters::peers_slow_dropped},
    {"peers_silent_dropped", &lane_counters::peers_silent_dropped},
    {"connections", &lane_counters::connections},
    {"connections_ended", &lane_counters::connections_ended},
    {"connections_speechless", &lane_counters::connections_speechless},
    {"connections_flooding", &lane_counters::connections_flooding},
    {"connections_beyond_limit", &lane_counters::connections_beyond_limit},
    {"routing_ids_claimed", &lane_counters::routing_ids_claimed},
    {"takeovers", &lane_counters::takeovers},
    {"peers", &lane_counters::peers},
    {"calls_open", &lane_counters::calls_open},
};

}  // namespace

std::vector<actors::function_info> system_module::functions() {
    actors::function_info list;
    list.name = "dunlin/functions";
    list.description = "The functions this node serves, with their schemas and their load";
    list.run = &system_module::run_functions;
    actors::function_info stats;
    stats.name = "dunlin/stats";
    stats.description = "What this node has counted since its start";
    stats.run = &system_module::run_stats;
    actors::function_info nodes;
    nodes.name = "dunlin/nodes";
    nodes.description = "The members of the cluster as this node sees them, the dead ones too";
    nodes.run = &system_module::run_nodes;
    actors::function_info drain;
    drain.name = "dunlin/drain";
    drain.description = "Has this node finish what it has and leave; takes nil or {force: bool}";
    drain.run = &system_module::run_drain;
    actors::function_info explain;
    explain.name = "dunlin/explain";
    explain.description =
        "Why this node did what it did: its latest decisions; takes nil or {function: text, after: "
        "number, limit: number, settled: bool}";
    explain.run = &system_module::run_explain;
    std::vector<actors::function_info> all{std::move(list), std::move(stats), std::move(nodes),
                                           std::move(explain), std::move(drain)};
    for (auto& each : all) {
        each.module_name = "dunlin";
        each.flags = DUNLIN_IDEMPOTENT;
        each.self = this;
    }
    all.back().flags |= DUNLIN_BLOCKING;  // it waits for what the other nodes say
    all.push_back(scale_.info());
    all.push_back(record_.info());
    all.push_back(state_.info());
    return all;
}

bool system_module::refused_recently(std::int64_t now_ns) noexcept {
    constexpr std::int64_t recent_ns = 60'000'000'000;
    std::uint64_t refused = 0;
    for (const auto* pool : functions_.pools()) refused += pool->status().refused;
    if (refused_seen_.exchange(refused) != refused) refused_at_ns_ = now_ns;
    const auto at_ns = refused_at_ns_.load();
    return at_ns != 0 && now_ns - at_ns < recent_ns;
}

std::int32_t system_module::run_functions(void* self, const dunlin_host* host, dunlin_call* call,
                                          const std::uint8_t* /*payload*/,
                                          std::size_t /*payload_size*/) {
    const auto& module = *static_cast<const system_module*>(self);
    packed_list list;
    for (const auto* pool : module.functions_.pools()) list.add(describe(*pool));
    return answer_packed(*host, call, list.take());
}

std::int32_t system_module::run_stats(void* self, const dunlin_host* host, dunlin_call* call,
                                      const std::uint8_t* /*payload*/,
                                      std::size_t /*payload_size*/) {
    auto& module = *static_cast<system_module*>(self);
    const auto nodes = module.cluster_.nodes();
    const auto now_ns = steady_now_ns();
    const auto doing = work_of(module.functions_, now_ns);
    json stats = {{"node", module.node_name_}, {"lanes", module.lanes_.size()}};
    for (const auto& each : named_counters) {
        std::uint64_t sum = 0;
        for (const auto* lane : module.lanes_) sum += (lane->*each.value).get();
        stats[each.name] = sum;
    }
    std::uint64_t late = stats["answers_late"];
    for (const auto* lane : module.lanes_) late += lane->answers_after_end.get();
    stats["answers_late"] = late;
    static const gate_counters no_gate;
    const auto& gate = module.gate_ == nullptr ? no_gate : *module.gate_;
    stats["keys_refused"] = gate.keys_refused.get();
    stats["allow_list_reloads"] = gate.allow_list_reloads.get();
    stats["allow_list_failures"] = gate.allow_list_failures.get();
    const auto membership = module.cluster_.counts();
    stats["members"] = std::count_if(nodes->begin(), nodes->end(), is_living);
    stats["membership_messages_sent"] = membership.messages_sent;
    stats["membership_messages_received"] = membership.messages_received;
    stats["membership_messages_refused"] = membership.messages_refused;
    stats["members_died"] = membership.deaths;
    stats["membership_refutations"] = membership.refutations;
    stats["busy"] = doing.busiest;
    stats["used"] = doing.used;
    stats["wait_us"] = static_cast<double>(doing.wait_ns) / 1e3;
    stats["refused_recently"] = module.refused_recently(now_ns);
    const auto named = module.calls_.counted();
    stats["dedupe_repeats"] = named.counted.repeats;
    stats["dedupe_unprotected"] = named.counted.unprotected;
    stats["dedupe_forgotten_early"] = named.counted.evicted_early;
    stats["dedupe_replies_dropped"] = named.counted.replies_dropped;
    stats["dedupe_calls"] = named.calls;
    stats["dedupe_bytes"] = named.bytes;
    stats["log_lines_dropped"] = log_counted().lines_dropped.load(std::memory_order_relaxed);
    stats["bytes_held"] = module.budget_.bytes_held();
    stats["bytes_held_max"] = module.budget_.bytes_max();
    stats["frame_bytes_held"] = module.budget_.frames_held();
    stats["actor_bytes_held"] = module.budget_.actor_memory().held();
    stats["frame_bytes_unread"] = module.budget_.bytes_unread();
    stats["memory_given_back"] = module.trim_.times();
    stats["reply_bytes_held"] = module.replies_.bytes_held();
    stats["reply_bytes_held_max"] = module.replies_.bytes_max();
    stats["state"] = state_of(module.spaces_, module.store_);
    packed_list functions;
    std::size_t activations = 0;
    std::uint64_t started = 0;
    std::uint64_t retired = 0;
    std::size_t at_zero = 0;
    std::size_t stuck = 0;
    for (const auto* pool : module.functions_.pools()) {
        const auto status = pool->status();
        activations += status.activations;
        started += status.started;
        retired += status.retired;
        at_zero += status.activations == 0 ? 1 : 0;
        stuck += status.stuck;
        json figures{{"name", pool->info().name},
                     {"placement", std::string(actors::to_string(status.where))},
                     {"busy", status.busy},
                     {"queue_depth", status.queued},
                     {"service_time_us", static_cast<double>(status.service_time_ns) / 1e3},
                     {"invocations", status.invocations},
                     {"arrived", status.arrived},
                     {"refused", status.refused},
                     {"stuck", status.stuck},
                     {"latency", latency_list(pool->runs().latencies())}};
        add_elasticity(figures, status);
        functions.add(figures);
    }
    stats["activations"] = activations;
    stats["activations_started"] = started;
    stats["activations_retired"] = retired;
    stats["functions_at_zero"] = at_zero;
    stats["calls_stuck"] = stuck;
    const auto workers = module.workers_->look();
    stats["scheduler_threads"] = workers.threads;
    stats["scheduler_threads_replaced"] = workers.replaced;
    stats["blocking_threads"] = module.blocking_->count();
    return answer_packed(*host, call, functions.take_into(stats, "functions"));
}

std::int32_t system_module::run_nodes(void* self, const dunlin_host* host, dunlin_call* call,
                                      const std::uint8_t* /*payload*/,
                                      std::size_t /*payload_size*/) {
    const auto& module = *static_cast<const system_module*>(self);
    json list = json::array();
    const auto nodes = module.cluster_.nodes();  // keeps them while they are replaced
    const auto busiest = work_of(module.functions_, steady_now_ns()).busiest;
    for (const auto& each : *nodes)
        list.push_back({{"name", each.name},
                        {"state", each.state},
                        {"instance", each.instance},
                        {"incarnation", each.incarnation},
                        {"version", each.version},
                        {"endpoints", each.endpoints},
                        {"rtt_us", each.rtt_us},
                        {"busy", each.self ? busiest : each.busy},
                        {"self", each.self}});
    return answer(*host, call, list);
}

std::int32_t system_module::run_explain(void* self, const dunlin_host* host, dunlin_call* call,
                                        const std::uint8_t* payload, std::size_t payload_size) {
    const auto& module = *static_cast<const system_module*>(self);
    const auto asked = read_explain_question(payload, payload_size);
    if (!asked) {
        const auto& why = asked.error();
        host->fail(call, static_cast<std::int32_t>(why.code), why.detail.data(), why.detail.size());
        return DUNLIN_DONE;
    }
    const bool served = module.functions_.find(asked->function) != nullptr;
    return answer_packed(*host, call,
                         explain_answer(module.decisions_, *asked, module.node_name_, served,
                                        explain_clocks::now()));
}

std::int32_t system_module::run_drain(void* self, const dunlin_host* host, dunlin_call* call,
                                      const std::uint8_t* payload, std::size_t payload_size) {
    const auto& module = *static_cast<const system_module*>(self);
    const auto refuse = [&](const std::string& why) {
        host->fail(call, static_cast<std::int32_t>(errc::invalid_argument), why.data(), why.size());
        return DUNLIN_DONE;
    };
    const auto input = read_system_input<json>(payload, payload_size);
    if (input.is_discarded() || !(input.is_null() || input.is_object()))
        return refuse("dunlin/drain takes nil, or a map that may hold force");
    const auto forced = input.is_object() && input.contains("force") ? input["force"] : json(false);
    if (!forced.is_boolean()) return refuse("dunlin/drain: force is true or false");
    if (!module.cluster_.can_drain())
        return refuse("node " + module.node_name_ + " is part of a program that ends it itself");
    // Others may be told to drain in this very moment, so they are asked.
    constexpr std::chrono::seconds patience{5};
    const auto may = forced.get<bool>() ? true : module.cluster_.may_drain(patience);
    if (!may.value_or(false))
        return refuse("node " + module.node_name_ +
                      " is the last one that takes calls: draining it would leave none; say so "
                      "with force if that is meant");
    static_cast<void>(module.cluster_.ask_to_drain());
    return answer(*host, call, nullptr);
}

}  // namespace dunlin::runtime
