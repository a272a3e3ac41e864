// SPDX-License-Identifier: Apache-2.0
//
// One node's membership, with everything that others would say made by hand.
#pragma once

#include "runtime/membership/swim.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::tests {

using namespace dunlin::runtime::membership;

constexpr std::int64_t ms = 1'000'000;

[[nodiscard]] inline record_ptr record_of(instance_id instance, std::string name = {},
                                          std::string endpoint = {}) {
    auto record = std::make_shared<member_record>();
    record->instance = instance;
    record->name = name.empty() ? "node-" + std::to_string(instance) : std::move(name);
    record->endpoints = {endpoint.empty() ? "tcp://10.0.0." + std::to_string(instance) + ":7440"
                                          : std::move(endpoint)};
    return record;
}

[[nodiscard]] inline message message_of(message_kind kind, std::uint32_t sequence,
                                        instance_id target) {
    message what;
    what.kind = kind;
    what.sequence = sequence;
    what.target = target;
    return what;
}

// Node 1 and what comes out of it.
struct bench {
    explicit bench(instance_id members = 3, options how = {}) : node(how, record_of(1), 42, now) {
        std::vector<record_ptr> others;
        for (instance_id i = 2; i <= members; ++i) others.push_back(record_of(i));
        node.preload(others);
    }

    void say(instance_id from, message what) {
        node.receive(from, what, now);
        collect();
    }
    void say(instance_id from, update what) {
        message gossip;
        gossip.updates.push_back(std::move(what));
        say(from, std::move(gossip));
    }
    // Whoever is asked answers, but those in `silent`.
    void run_for(std::int64_t span_ns, std::vector<instance_id> silent = {}) {
        const auto until = now + span_ns;
        while (node.next_timer_ns() <= until) {
            now = std::max(now, node.next_timer_ns());
            node.advance(now);
            const auto first = sent.size();
            collect();
            for (auto i = first; i < sent.size(); ++i) answer(sent[i], silent);
        }
        now = until;
    }
    void answer(outgoing asked, const std::vector<instance_id>& silent) {
        const auto is_silent = [&](instance_id which) {
            return std::find(silent.begin(), silent.end(), which) != silent.end();
        };
        if (is_silent(asked.to)) return;
        if (asked.what.kind != message_kind::ping && asked.what.kind != message_kind::ping_req) {
            return;
        }
        const auto reply =
            message_of(is_silent(asked.what.target) ? message_kind::nack : message_kind::ack,
                       asked.what.sequence, asked.what.target);
        say(asked.to, reply);
    }
    void collect() {
        std::vector<outgoing> out;
        std::vector<change> changed;
        node.take_outgoing(out);
        node.take_changes(changed);
        sent.insert(sent.end(), out.begin(), out.end());
        changes.insert(changes.end(), changed.begin(), changed.end());
    }
    [[nodiscard]] std::size_t count(change_kind kind) const {
        return static_cast<std::size_t>(std::count_if(
            changes.begin(), changes.end(), [&](const change& each) { return each.kind == kind; }));
    }
    [[nodiscard]] member_state state_of(instance_id instance) const {
        return node.find(instance)->state;
    }

    std::int64_t now = 1'000'000 * ms;
    swim node;
    std::vector<outgoing> sent;
    std::vector<change> changes;
};

}  // namespace dunlin::tests
