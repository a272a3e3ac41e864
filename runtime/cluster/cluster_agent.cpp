// SPDX-License-Identifier: Apache-2.0
#include "runtime/cluster/cluster_agent.hpp"

#include "client/checks.hpp"
#include "runtime/link/links.hpp"
#include "runtime/log.hpp"
#include "runtime/membership/message_codec.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace dunlin::runtime {

namespace {

using membership::change_kind;
using membership::member_state;

/// Between two tries to reach the nodes to join, while they are not members.
constexpr std::int64_t seeds_again_ns = 500'000'000;
/// What a broken peer sends is told this often.
constexpr std::int64_t say_again_ns = 60'000'000'000;
/// How old what `dunlin nodes` shows may be.
constexpr std::int64_t show_every_ns = 500'000'000;
/// After so many handshakes that failed it is not for a passing reason.
constexpr int handshakes_failed_max = 3;
/// Different problems of one address to remember.
constexpr std::size_t texts_max = 16;
/// Names that two members have, to be told of once each.
constexpr std::size_t conflicts_max = 1024;
/// Problems of different addresses to remember.
constexpr std::size_t problems_max = 64;

/// Who owns which keys is worked out anew with every view, and every view goes to all clients that
/// ask for it. In large clusters changes are gathered, so that this stays a small share of the
/// lane.
constexpr std::size_t members_at_once = 32;
constexpr std::int64_t view_pause_ns_per_member = 50'000;

std::int64_t view_pause_ns(std::size_t members) {
    if (members <= members_at_once) return 0;
    return static_cast<std::int64_t>(members) * view_pause_ns_per_member;
}

std::string state_text(const membership::member_view& member) {
    if (member.state == member_state::alive && member.record->draining) return "draining";
    return std::string(membership::to_string(member.state));
}

}  // namespace

cluster_agent::cluster_agent(cluster_agent_options options, gossip_carrier& carrier,
                             cluster_board& board, publisher publish, std::int64_t now_ns)
    : options_(std::move(options)),
      carrier_(carrier),
      board_(board),
      publish_(std::move(publish)),
      swim_(options_.timing, options_.self, options_.seed, now_ns),
      now_ns_(now_ns),
      draining_(options_.self->instance) {
    publish_view();
    show();
}

std::int64_t cluster_agent::advance(std::int64_t now_ns) {
    now_ns_ = now_ns;
    if (swim_.next_timer_ns() <= now_ns) {
        swim_.advance(now_ns);
        pump();
    }
    if (draining_.next_ns() <= now_ns) agree();
    if (view_changed_ && view_due_ns_ <= now_ns) publish_view();
    for (const auto& endpoint : std::exchange(reach_soon_, {}))
        carrier_.links().reach(endpoint, now_ns);
    // A node that is alone and has nobody to look for sleeps as much as it can.
    auto due_ns = std::min(swim_.next_timer_ns(), draining_.next_ns());
    if (view_changed_) due_ns = std::min(due_ns, view_due_ns_);
    if (!seeds_.empty()) {
        if (now_ns >= seeds_due_ns_) {
            seeds_due_ns_ = now_ns + seeds_again_ns;
            reach_seeds();
        }
        due_ns = std::min(due_ns, seeds_due_ns_);
    }
    if (!carrier_.links().all().empty() || show_stale_) {
        if (now_ns >= show_due_ns_) show();
        due_ns = std::min(due_ns, show_due_ns_);
    }
    return due_ns;
}

// -- messages --------------------------------------------------------------------------------

void cluster_agent::heard(std::uint64_t from, bytes_view data) {
    auto read = membership::decode(data);
    if (!read) {
        ++counts_.messages_refused;
        board_.count(counts_);
        if (refusal_due_ns_ > now_ns_) return;
        refusal_due_ns_ = now_ns_ + say_again_ns;
        log().warn("membership message refused; others like it are counted",
                   {{"from", from}, {"why", read.error().detail}});
        return;
    }
    if (!*read) return;  // of a newer version
    ++counts_.messages_received;
    const auto& said = **read;
    swim_.receive(from, said, now_ns_);
    if (said.kind == membership::message_kind::drain_question) {
        send(from, draining_.heard_question(from, said.sequence));
    } else if (said.kind == membership::message_kind::drain_answer) {
        draining_.heard_answer(from, said);
        agree();
    }
    pump();
}

void cluster_agent::send(membership::instance_id to, const membership::message& what) {
    membership::encode(what, encoded_);
    ++counts_.messages_sent;
    static_cast<void>(carrier_.send_gossip(to, encoded_));
}

void cluster_agent::pump() {
    swim_.take_outgoing(outgoing_);
    for (const auto& each : outgoing_) {
        membership::encode(each.what, encoded_);
        if (encoded_.size() > wire::gossip_bytes_max) {
            log().error("membership message is too large to send", {{"bytes", encoded_.size()}});
            continue;
        }
        ++counts_.messages_sent;
        if (carrier_.send_gossip(each.to, encoded_)) continue;
        // Nobody is connected: one that is dead, or that we have only just heard of.
        const auto member = swim_.find(each.to);
        if (!member || member->record->endpoints.empty()) continue;
        if (const auto& where = member->record->endpoints.front(); link::check_endpoint(where))
            reach_soon_.push_back(where);
    }
    swim_.take_changes(changes_);
    for (const auto& each : changes_) act_on(each);
    if (view_changed_ && view_due_ns_ <= now_ns_) publish_view();
}

void cluster_agent::act_on(const membership::change& what) {
    const auto& name = what.record->name;
    say_change(what);
    show_stale_ = true;
    switch (what.kind) {
        case change_kind::joined:
            view_changed_ = true;
            log().debug("member joined", {{"node", name}, {"instance", what.record->instance}});
            board_.decide({});
            break;
        case change_kind::returned:
            view_changed_ = true;
            board_.decide({});
            break;
        case change_kind::updated:
            view_changed_ = true;
            if (what.record->draining) draining_.gone(what.record->instance);
            log().debug("member changed", {{"node", name}, {"draining", what.record->draining}});
            break;
        case change_kind::suspected:
            log().debug("member suspected", {{"node", name}, {"incarnation", what.incarnation}});
            break;
        case change_kind::trusted:
            log().debug("member trusted again",
                        {{"node", name}, {"incarnation", what.incarnation}});
            break;
        case change_kind::died:
            view_changed_ = true;
            ++counts_.deaths;
            draining_.gone(what.record->instance);
            break;
        case change_kind::left:
            view_changed_ = true;
            draining_.gone(what.record->instance);
            log().debug("member left", {{"node", name}});
            break;
        case change_kind::self_refuted: ++counts_.refutations; break;
        case change_kind::name_conflict:
        case change_kind::paused: break;
    }
}

void cluster_agent::say_change(const membership::change& what) {
    const auto& name = what.record->name;
    if (what.kind == change_kind::died) {
        if (const auto more = say_died_.say(now_ns_))
            log().warn("member died",
                       {{"node", name}, {"incarnation", what.incarnation}, {"unsaid", *more}});
    } else if (what.kind == change_kind::returned) {
        if (const auto more = say_returned_.say(now_ns_))
            log().info("member returned",
                       {{"node", name}, {"incarnation", what.incarnation}, {"unsaid", *more}});
    } else if (what.kind == change_kind::self_refuted) {
        if (const auto more = say_refuted_.say(now_ns_))
            log().warn("others took this node for suspect or dead; it is back",
                       {{"state", membership::to_string(what.old_state)},
                        {"incarnation", what.incarnation},
                        {"unsaid", *more}});
    } else if (what.kind == change_kind::name_conflict) {
        if (conflicts_said_.size() >= conflicts_max || !conflicts_said_.insert(name).second) return;
        if (const auto more = say_conflict_.say(now_ns_))
            log().error("two members have one name; start one of them with another --name",
                        {{"node", name},
                         {"instance", what.record->instance},
                         {"other_instance", what.other->instance},
                         {"unsaid", *more}});
    } else if (what.kind == change_kind::paused) {
        if (const auto more = say_paused_.say(now_ns_))
            log().info(
                "the membership had to wait: this process did not run, or its lane had too much to "
                "do",
                {{"waited_ms", what.paused_ns / 1'000'000}, {"unsaid", *more}});
    }
}

// -- joining ---------------------------------------------------------------------------------

void cluster_agent::seeds(std::vector<std::string> endpoints) {
    seeds_ = std::move(endpoints);
    std::erase_if(behind_, [&](const auto& each) {
        return std::find(seeds_.begin(), seeds_.end(), each.first) == seeds_.end();
    });
    reach_seeds();
}

// Also long after the start: a cluster that was split in parts which know nothing of each other
// any more finds together through the nodes it was told to join.
void cluster_agent::reach_seeds() {
    std::unordered_set<std::string> endpoints;
    for (const auto& each : swim_.snapshot())
        if (is_living(each.state))
            endpoints.insert(each.record->endpoints.begin(), each.record->endpoints.end());
    for (const auto& endpoint : seeds_) {
        if (ours_.count(endpoint) != 0 || endpoints.count(endpoint) != 0) continue;
        // Members may call themselves otherwise: what counts is who answered there.
        const auto behind = behind_.find(endpoint);
        if (behind != behind_.end()) {
            const auto member = swim_.find(behind->second);
            if (member && is_living(member->state)) continue;
        }
        carrier_.links().reach(endpoint, now_ns_);
    }
}

void cluster_agent::answered(const std::string& endpoint, std::uint64_t instance) {
    if (std::find(seeds_.begin(), seeds_.end(), endpoint) != seeds_.end())
        behind_[endpoint] = instance;
}

void cluster_agent::round_trip(const peer_link& link, std::int64_t ns) {
    swim_.hear_round_trip(link.instance, ns);
}

bool cluster_agent::link_up(const peer_link& link, std::string_view cluster) {
    if (link.instance == swim_.self().instance) {
        ours_.insert(link.endpoint);
        return false;
    }
    if (link.instance == membership::no_instance || cluster != options_.cluster) {
        link_failed(link,
                    "it belongs to the cluster \"" + std::string(cluster) + "\", this node to \"" +
                        options_.cluster + "\"",
                    true);
        return false;
    }
    if (seed_problems_.erase(link.endpoint) != 0) expect_refusal();
    swim_.introduce(link.instance, now_ns_);
    pump();
    return true;
}

void cluster_agent::link_lost(const peer_link& link) {
    if (link.instance == membership::no_instance) return;
    swim_.hint_lost(link.instance, now_ns_);
    pump();
}

void cluster_agent::link_failed(const peer_link& link, const std::string& why, bool refused) {
    if (link.member) return link_lost(link);
    if (std::find(seeds_.begin(), seeds_.end(), link.endpoint) == seeds_.end()) return;
    if (why == itself_text) {
        ours_.insert(link.endpoint);
        return;
    }
    if (link.shook == peer_link::handshake::failed) return;  // there is another key to try
    const bool wrong_keys = link.shook == peer_link::handshake::failed_with_all_keys;
    std::string problem = "cannot join " + link.endpoint + ": " + why;
    if (wrong_keys)
        problem +=
            "; the nodes of a cluster all have one and the same key (--key), or none has one";
    if (seed_problems_.size() > problems_max) seed_problems_.clear();
    auto& known = seed_problems_[link.endpoint];
    if (refused) board_.decide({errc::unauthenticated, problem});
    note_keys(link, known, problem);
    if (known.said.size() >= texts_max || !known.said.insert(problem).second) return;
    log().warn("cannot join yet; trying again", {{"why", problem}});
}

// A node with another key just ends the connection, and so does one that is about to stop, or that
// only stands in front of a node. The first never ends by itself, and sometimes ZeroMQ can tell.
void cluster_agent::note_keys(const peer_link& link, seed_problem& known,
                              const std::string& problem) {
    if (link.shook == peer_link::handshake::fine) {
        known.handshakes_failed = known.keys_refused = 0;
        known.refusal.reset();
        return expect_refusal();
    }
    ++known.handshakes_failed;
    if (link.keys_refused) ++known.keys_refused;
    if (known.handshakes_failed < handshakes_failed_max) return;
    const error why{errc::unauthenticated, problem};
    if (known.keys_refused > 0) return board_.decide(why);
    if (options_.keyed) known.refusal = why;
    expect_refusal();
}

// One seed that most likely refuses is enough, whatever else does not answer.
void cluster_agent::expect_refusal() {
    const auto refusing =
        std::find_if(seed_problems_.begin(), seed_problems_.end(),
                     [](const auto& each) { return each.second.refusal.has_value(); });
    board_.expect_refusal(refusing == seed_problems_.end() ? std::nullopt
                                                           : refusing->second.refusal);
}

result<void> cluster_agent::admit(const wire::hello& hello) const {
    if (hello.instance == membership::no_instance)
        return {errc::unauthenticated, "a node tells its instance, this one told none"};
    if (hello.name.empty())
        return {errc::unauthenticated, "a node tells its name, this one told none"};
    for (const auto& member : swim_.snapshot()) {
        if (!is_living(member.state) || member.record->name != hello.name ||
            member.record->instance == hello.instance)
            continue;
        const bool self = member.record->instance == swim_.self().instance;
        const auto* link = carrier_.links().find(member.record->instance);
        // One whose connection is gone has been started anew, most likely.
        if (!self && (link == nullptr || !link->live())) continue;
        const auto& where = member.record->endpoints;
        return {errc::unauthenticated, "the name " + std::string(hello.name) +
                                           " is taken by the member at " +
                                           (where.empty() ? "an unknown address" : where.front()) +
                                           "; give this node another --name"};
    }
    return {};
}

// -- leaving ---------------------------------------------------------------------------------

void cluster_agent::ask_to_drain() {
    std::vector<membership::instance_id> others;
    for (const auto& each : swim_.snapshot()) {
        const auto& record = *each.record;
        const bool takes_calls = is_living(each.state) && !record.draining;
        if (takes_calls && record.instance != swim_.self().instance)
            others.push_back(record.instance);
    }
    if (draining_.leaving()) return board_.decide_drain(true);
    draining_.begin(others, now_ns_);
    agree();
}

void cluster_agent::agree() {
    using verdict = membership::drain_agreement::verdict;
    draining_.take_questions(now_ns_, asked_);
    for (const auto each : asked_) send(each, draining_.question());
    const auto decided = draining_.decide(now_ns_);
    if (decided == verdict::leaves || decided == verdict::stays)
        board_.decide_drain(decided == verdict::leaves);
}

void cluster_agent::drain() {
    draining_.leave();
    swim_.set_draining(now_ns_);
    view_changed_ = true;
    view_due_ns_ = now_ns_;
    pump();
    show();
}

void cluster_agent::leave() {
    swim_.leave(now_ns_);
    pump();
}

// -- what others see -------------------------------------------------------------------------

void cluster_agent::publish_view() {
    view_changed_ = false;
    auto view = std::make_shared<cluster_view>();
    view->number = ++views_;
    for (const auto& each : swim_.snapshot()) {
        if (!is_living(each.state)) continue;
        const auto& record = *each.record;
        auto& member = view->members.emplace_back();
        member.instance = record.instance;
        member.name = record.name;
        member.draining = record.draining;
        member.serves = record.serves;
        member.store = record.store;
        // Nothing else is connected to, whatever a member calls an endpoint of its own.
        for (const auto& endpoint : record.endpoints)
            if (link::check_endpoint(endpoint)) member.endpoints.push_back(endpoint);
    }
    view_due_ns_ = now_ns_ + view_pause_ns(view->members.size());
    std::sort(view->members.begin(), view->members.end(), [](const auto& a, const auto& b) {
        return a.name != b.name ? a.name < b.name : a.instance < b.instance;
    });
    publish_(std::move(view));
    show();
}

void cluster_agent::show() {
    show_due_ns_ = now_ns_ + show_every_ns;
    show_stale_ = false;
    std::unordered_map<std::uint64_t, const peer_link*> links;
    for (const auto& each : carrier_.links().all())
        if (each->instance != 0) links.emplace(each->instance, each.get());
    std::vector<node_status> nodes;
    for (const auto& each : swim_.snapshot()) {
        node_status status;
        status.name = each.record->name;
        status.state = state_text(each);
        status.instance = each.record->instance;
        status.incarnation = each.incarnation;
        status.version = each.record->version;
        status.endpoints = each.record->endpoints;
        status.self = each.record->instance == swim_.self().instance;
        if (const auto found = links.find(status.instance); found != links.end()) {
            status.rtt_us = found->second->rtt_ns / 1000;
            status.busy = found->second->busy();
        }
        nodes.push_back(std::move(status));
    }
    board_.show(std::move(nodes), counts_);
}

}  // namespace dunlin::runtime
