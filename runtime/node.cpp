// SPDX-License-Identifier: Apache-2.0
#include "runtime/node.hpp"

#include "actors/blocking_threads.hpp"
#include "actors/decision_log.hpp"
#include "actors/overdue_watch.hpp"
#include "actors/scaling_ticker.hpp"
#include "actors/thread_keeper.hpp"
#include "actors/worker_threads.hpp"
#include "runtime/calls/call_window.hpp"
#include "runtime/cluster/advertise.hpp"
#include "runtime/cluster/cluster_agent.hpp"
#include "runtime/cluster/seed_resolver.hpp"
#include "runtime/heap_trim.hpp"
#include "runtime/lane/descriptors.hpp"
#include "runtime/lane/lane.hpp"
#include "runtime/lane/memory_budget.hpp"
#include "runtime/lane/reply_budget.hpp"
#include "runtime/lane/routing_ids.hpp"
#include "runtime/lane/watchdog.hpp"
#include "runtime/listen_rule.hpp"
#include "runtime/log.hpp"
#include "runtime/membership/message_codec.hpp"
#include "runtime/module_loader.hpp"
#include "runtime/node_services.hpp"
#include "runtime/node_shutdown.hpp"
#include "runtime/node_state.hpp"
#include "runtime/offered_keys.hpp"
#include "runtime/owner_lookup.hpp"
#include "runtime/router/function_registry.hpp"
#include "runtime/scale_layers.hpp"
#include "runtime/security/gate.hpp"
#include "runtime/security/node_security.hpp"
#include "runtime/start_needs.hpp"
#include "runtime/store/open_store.hpp"
#include "runtime/system_module.hpp"
#include "support/signal_mask.hpp"
#include "wire/envelope.hpp"

#include <caf/actor_system_config.hpp>

#include <algorithm>
#include <new>
#include <random>
#include <system_error>
#include <thread>
#include <unordered_set>

namespace dunlin::runtime {

namespace {

/// CAF, with a scheduler of our own.
struct actor_config : caf::actor_system_config {
    actor_config(std::size_t scheduler_threads, actors::thread_keeper& keeper) {
        module_factories.emplace_back([this, scheduler_threads, &keeper](caf::actor_system& made) {
            workers =
                new actors::worker_threads(made, scheduler_threads, &keeper,
                                           [](const std::string& what) { log().error(what); });
            return workers;
        });
    }
    actors::worker_threads* workers = nullptr;  // owned by the actor system
};

void say_no_thread(const std::system_error& why) {
    log().error("no thread can be made for a blocking function, so it runs on the scheduler's",
                {{"why", why.what()}});
}

void say_overdue(const actors::pool& which, actors::overdue_detector::change what,
                 std::int64_t held_ns) {
    const auto held_ms = held_ns / 1'000'000;
    if (what == actors::overdue_detector::change::returned)
        return log().info("a function has returned after all",
                          {{"function", which.info().name}, {"held_ms", held_ms}});
    log().warn(
        "a function has not returned though its call's time is over; it keeps its thread",
        {{"function", which.info().name}, {"held_ms", held_ms}, {"stuck", which.status().stuck}});
}

/// "tcp://127.0.0.1:7440" -> "tcp://127.0.0.1:0", for the lanes after the first.
std::string beside(const std::string& endpoint) {
    return endpoint.substr(0, endpoint.rfind(':') + 1) + "0";
}

}  // namespace

/// The parts, in the order of a call's path reversed: what is used is made before its user.
struct node::impl {
    explicit impl(node_config given)
        : config(std::move(given)),
          budget(config.queue_bytes_max, wire::transport_bytes_max(config.payload_bytes_max)),
          replies(config.replies_bytes_max),
          actor_settings(config.scheduler_threads, keeper),
          system(actor_settings),
          named_calls({config.dedupe.calls_max, config.dedupe.bytes_max,
                       config.dedupe.window / std::chrono::nanoseconds(1), config.lanes,
                       std::random_device()()}),
          own_functions(functions, budget, replies, trim, named_calls, board, decisions,
                        config.name) {
        budget.count(replies);
    }

    node_config config;
    memory_budget budget;  // outlives what waits in the actors' mailboxes
    reply_budget replies;  // outlives what ZeroMQ holds
    steady_clock_time time;
    actors::decision_log decisions{config.name};  // outlives all who decide
    actors::thread_keeper keeper{time};           // all that have threads ring it
    // Outlives the pools' last calls.
    actors::scaling_ticker scaler{time, [this](std::size_t retired) { trim.freed(retired); }};
    actor_config actor_settings;
    node_state state{decisions};  // outlives the pools
    owner_lookup owners;
    caf::actor_system system;
    function_registry functions;
    // Ends before the pools do, when those have told all activations to end.
    actors::blocking_threads blocking{
        system, {.threads_max = config.blocking_threads_max}, &keeper, say_no_thread};
    std::unique_ptr<actors::overdue_watch> overdue;
    cluster_board board;
    call_window named_calls;
    system_module own_functions;
    lanes_of_node at_hand;
    function_services services{functions, time, at_hand};
    lane_alarm alarm;
    std::unique_ptr<cluster_agent> membership;  // outlives the lane that drives it
    std::unique_ptr<node_security> security;    // null: this node has no key
    std::vector<std::unique_ptr<lane>> lanes;
    // Ends before the lanes do, which it tells what it found.
    std::unique_ptr<support::address_resolver> names =
        std::make_unique<support::address_resolver>();
    heap_trim trim{[this] { return bytes_in_use(); }};  // asks the lanes: ends before they do
    std::unique_ptr<gate> guard;  // has sockets in the lanes' contexts: ends before they do
    std::vector<std::string> endpoints;
    std::unique_ptr<watchdog> holds;
    std::unique_ptr<seed_resolver> joining;
    struct {
        bool begun = false;
        bool left_running = false;  // a function
    } end;

    [[nodiscard]] actors::environment environment() {
        return {time,
                services.router,
                services.timers,
                services.log,
                blocking,
                config.payload_bytes_max,
                config.lanes,
                config.scheduler_threads,
                config.instance,
                &keeper,
                cores(),
                config.blocking_threads_max,
                &scaler,
                &decisions,
                &budget.actor_memory(),
                state.spaces()};
    }
    void begin_workers();
    void begin_keeper();
    void make_pools(std::vector<loaded_module> modules);
    void make_pool(actors::function_info info);
    void make_lanes();
    void set_guard();
    result<void> open_lanes();
    result<void> make_membership();
    void serve();
    result<void> join();
    void publish(const std::shared_ptr<const cluster_view>& view);
    std::size_t offer(const std::string& space, std::vector<std::string> keys);
    [[nodiscard]] node_shutdown::state progress() const;
    [[nodiscard]] node_shutdown shutdown() const;
    /// Whether each lane has tried to reach each member that it knows, in vain or not.
    [[nodiscard]] bool linked() const;
    [[nodiscard]] std::size_t bytes_in_use() const;
    void name_what_still_runs() const;
};

void node::impl::make_pools(std::vector<loaded_module> modules) {
    for (auto& module : modules)
        for (auto& function : module.functions) make_pool(std::move(function));
    for (auto& function : own_functions.functions()) make_pool(std::move(function));
}

void node::impl::make_pool(actors::function_info info) {
    const auto settings = own_functions.scales().settings_of(info.name);
    if (const auto most = static_cast<std::int64_t>(settings.max); most != 0)
        decisions.add(decisions.series_of(info.name), time.now_ns(),
                      {.kind = actors::decision_kind::set,
                       .rule = "the node was started with so many",
                       .of = "activations",
                       .before = most,
                       .after = most});
    functions.add(std::make_unique<actors::pool>(system, environment(), std::move(info), settings,
                                                 config.queue_depth_max));
}

// Before the pools: their activations end on these threads.
void node::impl::begin_workers() { actor_settings.workers->begin(); }

// After them, for it looks at what they run.
void node::impl::begin_keeper() {
    auto& workers = *actor_settings.workers;
    own_functions.watch(workers, blocking);
    const auto pools = functions.pools();
    overdue = std::make_unique<actors::overdue_watch>(
        [mine = std::unordered_set<const actors::pool*>(pools.begin(), pools.end())](
            const actors::pool* each) { return mine.contains(each); },
        say_overdue);
    keeper.start({[&](std::int64_t now_ns) { return workers.tend(now_ns); },
                  [&](std::int64_t /*now_ns*/) { return blocking.tend(); },
                  [&](std::int64_t now_ns) { return overdue->tend(now_ns); }});
    scaler.start();
}

void node::impl::make_lanes() {
    seed_routing_ids();
    lane_options options;
    options.node_name = config.name;
    options.in_flight_max = config.in_flight_max;
    options.payload_bytes_max = config.payload_bytes_max;
    options.backlog_bytes_max = config.backlog_bytes_max;
    options.busy_poll = config.busy_poll;
    options.idle_poll = config.idle_poll;
    options.cluster = config.cluster;
    options.instance = config.instance;
    options.security = security.get();
    options.names = names.get();
    options.trim = &trim;
    options.offers = state.spaces() == nullptr ? nullptr : state.spaces()->offers();
    options.descriptors =
        share_descriptors(raise_descriptor_limit(), descriptors_open(), config.lanes);
    for (std::size_t i = 0; i < config.lanes; ++i) {
        options.number = i;
        lanes.push_back(std::make_unique<lane>(system, functions, time, alarm, budget, replies,
                                               named_calls, options));
        own_functions.watch(lanes.back()->counters());
    }
    std::vector<lane*> all;
    for (auto& each : lanes) all.push_back(each.get());
    at_hand.use(std::move(all));
}

// Before anybody can connect.
void node::impl::set_guard() {
    if (!security) return;
    std::vector<std::reference_wrapper<zmq::context_t>> contexts;
    for (auto& each : lanes) contexts.emplace_back(each->context());
    guard = std::make_unique<gate>(*security, contexts, [this] {
        for (auto& each : lanes) each->commands().push(access_change{});
    });
    own_functions.watch(security->counters);
}

result<void> node::impl::open_lanes() {
    for (auto& each : lanes) {
        auto endpoint = each->bind(endpoints.empty() ? config.listen : beside(config.listen));
        if (!endpoint) return std::move(endpoint.error());
        endpoints.push_back(std::move(*endpoint));
    }
    return {};
}

result<void> node::impl::make_membership() {
    auto reachable_at = advertised(endpoints, config.advertise);
    if (!reachable_at) return std::move(reachable_at.error());
    auto self = std::make_shared<membership::member_record>();
    self->instance = config.instance;
    self->name = config.name;
    self->endpoints = std::move(*reachable_at);
    self->version = DUNLIN_VERSION;
    self->serves = cluster::served_set::of(functions.owned_names());
    self->store = state.shared_store();
    if (!self->serves.tells())
        log().warn(
            "this node serves more functions than others can be told of, so keys may be sent here "
            "for functions that it does not serve",
            {{"functions_max", cluster::served_set::functions_max}});
    if (const auto* problem = membership::problem_of(*self); problem != nullptr)
        return {errc::invalid_argument, std::string("this node cannot be a member: ") + problem};
    cluster_agent_options options;
    options.cluster = config.cluster;
    options.self = std::move(self);
    options.timing.probe_period_ns = config.probe_period / std::chrono::nanoseconds(1);
    options.timing.probe_timeout_ns =
        std::min(options.timing.probe_timeout_ns, options.timing.probe_period_ns / 3);
    options.timing.suspicion_min_ns = config.suspicion / std::chrono::nanoseconds(1);
    options.seed = config.instance;
    options.keyed = security != nullptr;
    membership = std::make_unique<cluster_agent>(
        std::move(options), lanes.front()->carrier(), board,
        [this](const std::shared_ptr<const cluster_view>& view) { publish(view); }, time.now_ns());
    lanes.front()->carry(*membership);
    board.on_drain_question(
        [&carrier = lanes.front()->commands()] { carrier.push(drain_question{}); });
    return {};
}

// On the thread of the lane that drives the membership, and before it serves.
void node::impl::publish(const std::shared_ptr<const cluster_view>& view) {
    services.router.set_alone(view->members.size() < 2);
    for (auto& each : lanes) each->commands().push(view_change{view});
    owners.seen(view);
    // After the lanes: what waits at keys that have moved is sent on by the view that says so.
    state.seen(*view);
}

// On the thread that keeps the node's keys, once there are lanes.
std::size_t node::impl::offer(const std::string& space, std::vector<std::string> keys) {
    std::size_t offered = 0;
    for (auto& each : offers_of(space, std::move(keys), owners, config.instance)) {
        const auto count = each.keys.size();
        if (lanes.front()->commands().push(std::move(each))) offered += count;
    }
    return offered;
}

void node::impl::serve() {
    for (auto& each : lanes) each->start(endpoints);
    std::vector<lane*> watched;
    for (auto& each : lanes) watched.push_back(each.get());
    holds = std::make_unique<watchdog>(std::move(watched), alarm, config.lane_hold_max);
}

result<void> node::impl::join() {
    if (config.join.empty()) return {};
    auto& carrier = lanes.front()->commands();
    joining = std::make_unique<seed_resolver>(config.join, *names,
                                              [&carrier](std::vector<std::string> found) {
                                                  carrier.push(seeds_found{std::move(found)});
                                              });
    const auto until_ns = time.now_ns() + config.join_timeout / std::chrono::nanoseconds(1);
    const auto joined = board.wait_joined(config.join_timeout);
    if (joined && !*joined) return *joined;
    if (joined) {
        // What the others serve can be called once each lane has its links to them.
        while (!linked() && time.now_ns() < until_ns)
            std::this_thread::sleep_for(node_shutdown::look_again_after);
        return {};
    }
    log().warn("no node to join has answered yet; this one serves alone and goes on trying");
    return {};
}

result<std::unique_ptr<node>> node::start(node_config config) {
    try {
        return start_checked(std::move(config));
    } catch (const std::system_error& why) {
        return refused_by_system(why.what());
    } catch (const zmq::error_t& why) {
        return refused_by_system(why.what());
    } catch (const std::bad_alloc&) {
        return refused_by_system("there is too little memory");
    }
}

result<std::unique_ptr<node>> node::start_checked(node_config config) {
    fill_in_defaults(config);
    log().debug("node starts", {{"name", config.name}});
    if (auto allowed = check_listen(config); !allowed) return std::move(allowed.error());
    if (auto chosen = check_store_choice(config); !chosen) return std::move(chosen.error());
    auto security = node_security::load(config.key, config.allow);
    if (!security) return std::move(security.error());
    auto modules = load_modules(config.modules, actors::host_table());
    if (!modules) return std::move(modules.error());
    auto plan = plan_scales(*modules, config);
    if (!plan) return std::move(plan.error());
    if (auto given = check_given(needs_of(config)); !given) return std::move(given.error());
    std::unique_ptr<node> started;
    {
        const support::signals_blocked no_signals;  // not even for the threads of CAF
        started.reset(new node(std::make_unique<impl>(std::move(config))));
        auto& parts = *started->impl_;
        parts.security = std::move(*security);
        parts.begin_workers();
        parts.own_functions.scales().use(std::move(*plan));
        auto opened =
            parts.state.open(*modules, parts.config, parts.services.router,
                             [&parts](const std::string& space, std::vector<std::string>&& keys) {
                                 return parts.offer(space, std::move(keys));
                             });
        if (!opened) return std::move(opened.error());
        parts.own_functions.watch(parts.owners, parts.config.instance);
        if (auto* spaces = parts.state.spaces())
            parts.own_functions.watch(*spaces, parts.state.store());
        parts.make_pools(std::move(*modules));
        parts.begin_keeper();
        parts.make_lanes();
        parts.set_guard();
        if (auto bound = parts.open_lanes(); !bound) return std::move(bound.error());
        if (auto made = parts.make_membership(); !made) return std::move(made.error());
        parts.serve();
    }
    auto& parts = *started->impl_;
    if (auto joined = parts.join(); !joined) return std::move(joined.error());
    log().debug("node serves", {{"name", parts.config.name},
                                {"lanes", parts.lanes.size()},
                                {"endpoint", parts.endpoints.front()}});
    return started;
}

node::node(std::unique_ptr<impl> state) noexcept : impl_(std::move(state)) {}

node::~node() {
    stop();
    if (impl_->shutdown().returned()) return;
    // A function that never returned still runs in here, on a thread that cannot be ended. What it
    // may touch has to stay for as long as the process lives.
    log().debug("a node's memory is kept until the process ends");
    [[maybe_unused]] auto* kept = impl_.release();
}

const std::vector<std::string>& node::endpoints() const noexcept { return impl_->endpoints; }
const std::string& node::name() const noexcept { return impl_->config.name; }
std::vector<std::string> node::functions() const { return impl_->functions.names(); }

const std::string& node::state_place() const noexcept { return impl_->state.place(); }

bool node::left_running() const { return impl_->end.left_running; }

void node::on_drain(std::function<void()> asked) { impl_->board.on_drain(std::move(asked)); }

bool node::impl::linked() const {
    return std::all_of(lanes.begin(), lanes.end(), [](const auto& each) {
        return each->counters().members_seen.get() > 1 &&
               each->counters().links_coming_up.get() == 0;
    });
}

node_shutdown::state node::impl::progress() const {
    node_shutdown::state now{.peers_know = true, .keys_offered = state.has_offered()};
    for (const auto& each : lanes) {
        const auto& counted = each->counters();
        now.peers_know =
            now.peers_know && counted.draining.get() == 1 && counted.peers_unaware.get() == 0;
        now.calls_open += counted.calls_open.get();
        now.threads_lost += each->ownership().threads_lost();
    }
    for (const auto* pool : functions.pools()) now.pools_busy += pool->status().busy != 0 ? 1 : 0;
    return now;
}

node_shutdown node::impl::shutdown() const {
    return {time, [this] { return progress(); },
            [](std::chrono::nanoseconds pause) { std::this_thread::sleep_for(pause); }};
}

std::size_t node::impl::bytes_in_use() const {
    std::size_t bytes = budget.frames_held() + budget.bytes_unread() + replies.bytes_held();
    for (const auto& each : lanes) bytes += each->counters().connections.get() * connection_bytes;
    return bytes;
}

void node::impl::name_what_still_runs() const {
    for (const auto* pool : functions.pools())
        if (const auto busy = pool->status().busy; busy != 0)
            log().warn(
                "a function has not returned; it is left to run, and its memory kept, until the "
                "process ends",
                {{"function", pool->info().name}, {"calls", busy}});
}

std::size_t node::stop() {
    auto& parts = *impl_;
    if (std::exchange(parts.end.begun, true)) return 0;
    const auto stopping = parts.shutdown();
    parts.joining.reset();
    for (auto& each : parts.lanes) each->commands().push(begin_drain{});
    // A node whose start failed has lanes that never served, and nothing to finish.
    if (parts.holds && !stopping.drained(parts.config.drain_timeout))
        log().warn(
            "the drain timeout is over: calls still open are answered in place of their functions, "
            "which have another second to return",
            {{"calls", parts.progress().calls_open}});
    // Answers what is left and requests its stop. The watchdog stays until the end: a lane that is
    // held by a function has to be taken over to end.
    for (auto& each : parts.lanes) each->finish_soon();
    for (auto& each : parts.lanes) each->join();
    parts.guard.reset();
    parts.holds.reset();
    parts.end.left_running = !stopping.returned();
    if (parts.end.left_running) parts.name_what_still_runs();
    parts.keeper.stop();
    parts.scaler.stop();
    for (auto* pool : parts.functions.pools()) pool->shut_down();
    parts.state.end();
    std::size_t unfinished = 0;
    for (auto& each : parts.lanes) unfinished += each->counters().calls_cut_short.get();
    return unfinished;
}

}  // namespace dunlin::runtime
