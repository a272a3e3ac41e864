// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/call_cluster.hpp"

#include "runtime/log.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace dunlin::sim {

namespace {

struct testing_config : caf::actor_system_config {
    testing_config() { set("scheduler.policy", caf::atom("testing")); }
};

constexpr std::uint64_t client_flag = std::uint64_t{1} << 32;

std::string endpoint_of(host_id at, std::size_t lane = 0) {
    return "tcp://10.0.0." + std::to_string(at) + ":" + std::to_string(7440 + lane);
}

}  // namespace

call_cluster::call_cluster(call_cluster_settings how)
    : sockets(time, static_cast<host_id>(how.nodes.size()) + how.clients,
              runtime::membership::mix(how.seed ^ 0x50c4)),
      how_(std::move(how)),
      config_(std::make_unique<testing_config>()),
      system_(std::make_unique<caf::actor_system>(*config_)),
      nodes_(how_.nodes.size()),
      clients_(how_.clients) {
    runtime::log().set_level(spdlog::level::off);
    sockets.quality = how_.quality;
}

call_cluster::~call_cluster() {
    for (host_id at = 0; at < clients(); ++at)
        if (clients_[at].client) kill_client(at, ending::silent);
    for (host_id at = 0; at < nodes(); ++at)
        if (nodes_[at].node) kill_node(at, ending::silent);
    run_actors();
}

std::size_t call_cluster::running() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        nodes_.begin(), nodes_.end(),
        [](const node_slot& each) { return each.node != nullptr && each.drain_at_ns < 0; }));
}

// -- turns ----------------------------------------------------------------------------------------

void call_cluster::arm(std::uint64_t what, std::int64_t& armed_ns, std::int64_t at_ns) {
    if (at_ns >= armed_ns) return;
    armed_ns = std::max(at_ns, time.now_ns());
    time.at(armed_ns, *this, what);
}

void call_cluster::handle(std::uint64_t what) {
    const auto at = static_cast<host_id>(what);
    if ((what & client_flag) == 0) return take_turn(at);
    auto& slot = clients_[at];
    if (slot.armed_ns <= time.now_ns()) slot.armed_ns = never_ns;
    if (slot.client == nullptr) return;
    const auto due_ns = slot.client->turn();
    if (!how_.without.clients_without_timers) arm(what, slot.armed_ns, due_ns);
    oracle.check(time.now_ns());
}

void call_cluster::take_turn(host_id at) {
    auto& slot = nodes_[at];
    if (slot.armed_ns <= time.now_ns()) slot.armed_ns = never_ns;
    if (slot.node == nullptr || slot.node->paused) return;
    const auto due_ns = slot.node->turn();
    run_actors();
    arm(at, slot.armed_ns, due_ns);
    look_at(at);
    oracle.check(time.now_ns());
    if (slot.drain_at_ns < 0 || how_.without.drains_unsaid) return;
    if (slot.node->ended()) return kill_node(at, ending::connections_close);
    if (slot.finishing) return;
    if (!slot.node->drained() && time.now_ns() < slot.drain_at_ns + drain_ns_max) return;
    slot.finishing = true;
    slot.node->finish();
}

// What functions did that no lane has any more.
void call_cluster::run_actors() {
    auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
    scheduler.run();
}

void call_cluster::look_at(host_id at) {
    auto& slot = nodes_[at];
    auto& node = *slot.node;
    const auto now_ns = time.now_ns();
    if (!node.last().problem.empty())
        oracle.violated(now_ns, node.how().name + ": " + node.last().problem);
    for (const auto* pool : node.pools()) {
        const auto seen = pool->status();
        if (seen.queued > how_.queue_depth_max)
            oracle.violated(now_ns, node.how().name + ": " + std::to_string(seen.queued) +
                                        " calls wait for " + pool->info().name + ", " +
                                        std::to_string(how_.queue_depth_max) + " may");
    }
    const bool unwell = cut_ || std::any_of(nodes_.begin(), nodes_.end(), [](const auto& each) {
                            return each.node != nullptr && each.node->paused;
                        });
    if (unwell) trouble_ns_ = now_ns;
    if (slot.drain_at_ns < 0 || trouble_ns_ >= slot.drain_at_ns) return;
    if (now_ns < slot.drain_at_ns + drain_known_ns_max) return;
    const auto received = node.invocations_received();
    if (!std::exchange(slot.counted, true)) slot.received = received;
    if (received != slot.received)
        oracle.violated(now_ns, node.how().name + " drains, and gets calls " +
                                    std::to_string((now_ns - slot.drain_at_ns) / 1'000'000) +
                                    " ms later");
    slot.received = received;
}

// -- what happens ---------------------------------------------------------------------------------

void call_cluster::start_node(host_id at) {
    auto& slot = nodes_[at];
    sockets.host_is_back(at);
    node_settings node;
    node.name = "n" + std::to_string(at);
    for (std::size_t lane = 0; lane < how_.lanes; ++lane)
        node.endpoints.push_back(endpoint_of(at, lane));
    node.instance = (++starts_ << 20) | (at + 1);
    node.functions = how_.nodes[at];
    if (how_.without.all_idempotent)
        for (auto& each : node.functions) each.idempotent = true;
    node.activations = how_.activations;
    node.queue_depth_max =
        how_.without.queues_unbounded ? std::size_t{1} << 20 : how_.queue_depth_max;
    node.in_flight_max = how_.node_in_flight_max;
    node.dedupe = how_.dedupe;
    for (host_id other = 0; other < nodes(); ++other)
        if (other != at) node.join.push_back(endpoint_of(other));
    slot = {};
    slot.started_ns = time.now_ns();
    slot.node = std::make_unique<simulated_node>(
        system(), sockets, time, oracle, at, std::move(node),
        [this, at] { arm(at, nodes_[at].armed_ns, time.now_ns()); });
    slot.node->news();
}

void call_cluster::kill_node(host_id at, ending how) {
    auto& slot = nodes_[at];
    trouble_ns_ = time.now_ns();
    oracle.client_died(slot.node->as_client());
    sockets.end(*slot.node, how);
    slot.node->take_down([this] { run_actors(); });
    slot.node.reset();
    slot.drain_at_ns = -1;
    had_outage_ = had_outage_ || running() == 0;
}

void call_cluster::drain_node(host_id at) {
    auto& slot = nodes_[at];
    slot.drain_at_ns = time.now_ns();
    had_outage_ = had_outage_ || running() == 0;
    if (!how_.without.drains_unsaid) slot.node->drain();
}

void call_cluster::start_client(host_id at) {
    const auto host = host_of_client(at);
    sockets.host_is_back(host);
    client_options options;
    options.endpoints.clear();
    // Any node will do, whether it runs or not.
    for (host_id node = 0; node < nodes(); ++node)
        options.endpoints.push_back(endpoint_of((node + at) % nodes()));
    options.name = "c" + std::to_string(at);
    options.retries_max = how_.retries_max;
    options.learn_members = how_.learn_members;
    options.connect_timeout = std::chrono::seconds(5);
    auto& slot = clients_[at];
    slot = {};
    slot.client = std::make_unique<simulated_client>(
        sockets, time, oracle, host, ++clients_started_, how_.seed, std::move(options),
        [this, at] { arm(client_flag | at, clients_[at].armed_ns, time.now_ns()); });
    slot.client->news();
}

void call_cluster::kill_client(host_id at, ending how) {
    auto& slot = clients_[at];
    oracle.client_died(slot.client->number());
    sockets.end(*slot.client, how);
    slot.client.reset();
}

void call_cluster::pause(host_id at) {
    trouble_ns_ = time.now_ns();
    sockets.pause(*nodes_[at].node);
}

void call_cluster::resume(host_id at) {
    if (!paused(at)) return;
    trouble_ns_ = time.now_ns();
    sockets.resume(*nodes_[at].node);
}

void call_cluster::move_clock(host_id at, std::int64_t by_ns) {
    trouble_ns_ = time.now_ns();
    nodes_[at].node->move_clock(by_ns);
    nodes_[at].node->news();
}

void call_cluster::cut(host_id from, host_id to) {
    cut_ = true;
    sockets.cut(from, to);
}

void call_cluster::mend() {
    cut_ = false;
    trouble_ns_ = time.now_ns();
    sockets.mend();
}

// -- the end --------------------------------------------------------------------------------------

bool call_cluster::converged() {
    std::set<std::uint64_t> there;
    for (const auto& each : nodes_) {
        if (each.node == nullptr) continue;
        if (each.drain_at_ns >= 0 || each.node->paused) return false;
        there.insert(each.node->how().instance);
    }
    for (const auto& each : nodes_) {
        if (each.node == nullptr) continue;
        const auto* view = each.node->view();
        if (view == nullptr || view->members.size() != there.size()) return false;
        for (const auto& member : view->members)
            if (member.draining || there.count(member.instance) == 0) return false;
    }
    const auto known = how_.learn_members ? there.size() : std::size_t{1};
    return std::all_of(clients_.begin(), clients_.end(), [&](const client_slot& each) {
        return each.client == nullptr || each.client->stats().nodes == known;
    });
}

std::string call_cluster::views() {
    std::string text;
    for (host_id at = 0; at < nodes(); ++at) {
        text += "  n" + std::to_string(at);
        if (nodes_[at].node == nullptr) {
            text += " is down\n";
            continue;
        }
        text += "/" + std::to_string(nodes_[at].node->how().instance >> 20) + " sees";
        if (const auto* view = nodes_[at].node->view(); view != nullptr)
            for (const auto& member : view->members)
                text += " " + member.name + "/" + std::to_string(member.instance >> 20) +
                        (member.draining ? " (drains)" : "");
        text += "\n";
    }
    for (host_id at = 0; at < clients(); ++at)
        if (auto* each = client(at); each != nullptr)
            text += "  c" + std::to_string(at) + " is connected to " +
                    std::to_string(each->stats().nodes) + " nodes\n";
    return text;
}

std::string call_cluster::left_over() {
    std::string text;
    const auto tell = [&](const std::string& who, std::size_t count, const char* of) {
        if (count != 0) text += "  " + who + " has " + std::to_string(count) + " " + of + "\n";
    };
    for (auto& each : nodes_) {
        if (each.node == nullptr) continue;
        const auto& name = each.node->how().name;
        tell(name, each.node->last().calls_open, "calls in its ledger");
        tell(name, each.node->last().calls_away, "calls on other nodes");
        tell(name, each.node->last().backlog, "frames for slow peers");
        tell(name, each.node->bytes_held(), "bytes of frames");
        for (const auto* pool : each.node->pools()) {
            tell(name, pool->status().queued, "calls in a queue");
            tell(name, pool->status().busy, "activations that are busy");
        }
    }
    for (auto& each : clients_) {
        if (each.client == nullptr) continue;
        const auto name = "client " + std::to_string(each.client->number());
        tell(name, each.client->stats().in_flight, "calls in flight");
        tell(name, each.client->last().kept_bytes, "bytes kept of calls");
        tell(name, each.client->last().under_way, "attempts under way");
    }
    return text;
}

}  // namespace dunlin::sim
