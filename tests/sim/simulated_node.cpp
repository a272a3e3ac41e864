// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/simulated_node.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

namespace dunlin::sim {

using dunlin::runtime::cluster_view;

struct simulated_node::waiting_run {
    const dunlin_host* host = nullptr;
    dunlin_call* call = nullptr;
    simulated_node* node = nullptr;
    call_number number = 0;
    call_number inner = 0;  // the call that it waits for; 0: for its time

    static void ended(void* user, std::int32_t code, const std::uint8_t* data, std::size_t size) {
        const std::unique_ptr<waiting_run> self(static_cast<waiting_run*>(user));
        auto& node = *self->node;
        const auto now_ns = node.virtual_time_.now_ns();
        if (self->inner != 0) {
            result<void> with;
            if (code != 0)
                with = result<void>(error{errc_from_number(code),
                                          std::string(reinterpret_cast<const char*>(data), size)});
            node.oracle_.answered(self->inner, with, now_ns);
        }
        if (code == 0)
            reply(*self->host, self->call, self->number);
        else
            self->host->fail(self->call, code, reinterpret_cast<const char*>(data), size);
        self->host->finish(self->call);
    }
    static void reply(const dunlin_host& host, dunlin_call* call, call_number number) {
        auto* output = host.output(call);
        if (output->capacity < sizeof number && output->grow(output, sizeof number) != 0) return;
        std::memcpy(output->data, &number, sizeof number);
        output->size = sizeof number;
    }
};

simulated_node::simulated_node(caf::actor_system& system, virtual_sockets& sockets,
                               const virtual_time& time, call_oracle& oracle, host_id at,
                               node_settings how, std::function<void()> wake)
    : virtual_process(at),
      sockets_(sockets),
      virtual_time_(time),
      oracle_(oracle),
      how_(std::move(how)),
      wake_(std::move(wake)),
      time_(time),
      calls_({.calls_max = how_.dedupe ? std::size_t{4096} : 0,
              .lanes = how_.endpoints.size(),
              .seed = how_.instance}) {
    const running_as self(sockets_, *this);
    const actors::environment env{time_,
                                  router_,
                                  timers_,
                                  log_,
                                  *system.dummy_execution_unit(),
                                  std::size_t{1} << 20,
                                  1,
                                  1,
                                  0,
                                  nullptr,
                                  1,
                                  1,
                                  &looks_};
    auto all = how_.functions;
    all.push_back({"dunlin/about", false});  // every node has some of its own
    for (const auto& each : all) {
        auto& kept = served_.emplace_back(served{this, each});
        actors::function_info info;
        info.name = each.name;
        info.module_name = each.name.substr(0, each.name.find('/'));
        info.flags = DUNLIN_ASYNC;
        if (each.idempotent) info.flags |= DUNLIN_IDEMPOTENT;
        info.self = &kept;
        info.run = &simulated_node::run;
        functions_.add(std::make_unique<actors::pool>(
            system, env, std::move(info), actors::scale_settings{.max = how_.activations},
            how_.queue_depth_max));
    }
    runtime::lane_options options;
    options.node_name = how_.name;
    options.cluster = "sim";
    options.instance = how_.instance;
    options.in_flight_max = how_.in_flight_max;
    for (const auto& endpoint : how_.endpoints) {
        auto& made = lanes_.emplace_back(std::make_unique<runtime::lane>(
            system, functions_, time_, alarm_, budget_, replies_, calls_, options));
        if (auto bound = made->bind(endpoint); !bound) throw std::logic_error(bound.error().detail);
    }
    std::vector<runtime::lane*> to_choose_from;
    for (auto& each : lanes_) to_choose_from.push_back(each.get());
    at_hand_.use(std::move(to_choose_from));

    auto record = std::make_shared<runtime::membership::member_record>();
    record->instance = how_.instance;
    record->name = how_.name;
    record->endpoints = how_.endpoints;
    record->version = "0.1.0";
    record->serves = cluster::served_set::of(functions_.owned_names());
    runtime::cluster_agent_options agent;
    agent.cluster = "sim";
    agent.self = std::move(record);
    agent.timing = how_.timing;
    agent.seed = how_.instance;
    membership_ = std::make_unique<runtime::cluster_agent>(
        std::move(agent), lanes_.front()->carrier(), board_,
        [this](std::shared_ptr<const cluster_view> view) {
            view_ = view;
            router_.set_alone(view->members.size() < 2);
            for (auto& each : lanes_) each->commands().push(runtime::view_change{view});
        },
        time_.now_ns());
    lanes_.front()->carry(*membership_);
    for (auto& each : lanes_) each->prepare(how_.endpoints);
    if (!how_.join.empty()) lanes_.front()->commands().push(runtime::seeds_found{how_.join});
    for (auto& each : lanes_) turns_.push_back(std::make_unique<virtual_lane>(system, *each));
}

simulated_node::~simulated_node() {
    const running_as self(sockets_, *this);
    turns_.clear();
    lanes_.clear();
}

std::int64_t simulated_node::turn() {
    const running_as self(sockets_, *this);
    last_ = {};
    last_.due_ns = std::numeric_limits<std::int64_t>::max();
    last_.ended = true;
    for (auto& each : turns_) last_.add(each->turn());
    // What a lane has told one before it, which had its turn and went to sleep.
    if (lanes_.size() > 1)
        for (auto& each : turns_)
            if (each->has_commands()) last_.due_ns = time_.now_ns();
    if (!last_.ended) last_.due_ns = std::min(last_.due_ns, looks_.make(time_.now_ns()));
    // Its clock may be ahead, or behind.
    return last_.due_ns - virtual_steady_clock::start_ns - time_.ahead_ns;
}

void simulated_node::drain() {
    for (auto& each : lanes_) each->commands().push(runtime::begin_drain{});
    wake_();
}

void simulated_node::finish() {
    for (auto& each : lanes_) each->finish_soon();
    wake_();
}

void simulated_node::take_down(const std::function<void()>& run) {
    const running_as self(sockets_, *this);
    dead = true;
    for (auto& each : turns_) each->kill();
    for (auto* pool : functions_.pools()) pool->shut_down();
    run();
}

std::uint64_t simulated_node::invocations_received() const noexcept {
    std::uint64_t count = 0;
    for (const auto& each : lanes_) count += each->counters().invocations_received.get();
    return count;
}

// As `node::stop` waits for.
bool simulated_node::drained() const {
    for (const auto& each : lanes_) {
        const auto& counted = each->counters();
        if (counted.draining.get() != 1 || counted.peers_unaware.get() != 0) return false;
        if (counted.calls_open.get() != 0) return false;
    }
    for (const auto* pool : functions_.pools())
        if (pool->status().busy != 0) return false;
    return true;
}

// -- the function ---------------------------------------------------------------------------------

std::int32_t simulated_node::run(void* self, const dunlin_host* host, dunlin_call* call,
                                 const std::uint8_t* payload, std::size_t size) {
    auto& node = *static_cast<served*>(self)->node;
    call_order order;
    if (size != sizeof order) {
        constexpr std::string_view text = "no order in the payload";
        host->fail(call, static_cast<std::int32_t>(errc::invalid_argument), text.data(),
                   text.size());
        return DUNLIN_DONE;
    }
    std::memcpy(&order, payload, sizeof order);
    if (node.dead) return DUNLIN_DONE;
    const auto now_ns = node.virtual_time_.now_ns();
    const auto attempt = host->info(call)->attempt;
    node.oracle_.ran(order.number, attempt, node.how_.name, now_ns);
    if (order.inner == call_order::inner_call::none && order.service_us == 0) {
        waiting_run::reply(*host, call, order.number);
        return DUNLIN_DONE;
    }
    auto waits = std::make_unique<waiting_run>(waiting_run{host, call, &node, order.number, 0});
    if (order.inner != call_order::inner_call::none) {
        invoke(std::move(waits), order.inner);
    } else {
        host->sleep(call, std::int64_t{order.service_us} * 1000, &waiting_run::ended,
                    waits.release());
    }
    return DUNLIN_PENDING;
}

// The oracle waits longer for it than for others: nobody but its node keeps its time, whose clock
// may leap and which may be paused.
void simulated_node::invoke(std::unique_ptr<waiting_run> by, call_order::inner_call which) {
    constexpr std::int64_t patience_ns = 15'000'000'000;
    const bool idempotent = which == call_order::inner_call::again;
    const auto left_ns = std::min(by->host->remaining_ns(by->call), patience_ns);
    auto& node = *by->node;
    by->inner = node.oracle_.begin(node.as_client(), idempotent,
                                   node.virtual_time_.now_ns() + left_ns + patience_ns);
    const call_order order{by->inner, 500, call_order::inner_call::none};
    const std::string_view function = idempotent ? "sim/again" : "sim/once";
    dunlin_request request{};
    request.struct_size = sizeof request;
    request.function = function.data();
    request.function_size = function.size();
    request.payload = reinterpret_cast<const std::uint8_t*>(&order);
    request.payload_size = sizeof order;
    const auto* host = by->host;
    auto* call = by->call;
    host->invoke(call, &request, &waiting_run::ended, by.release());
}

}  // namespace dunlin::sim
