// SPDX-License-Identifier: Apache-2.0
//
// A fleet of nodes without sockets or threads, in a time of its own. Instances are 1, 2, ...; the
// nodes serve t/again, which is idempotent, and t/once, which is not.
#pragma once

#include "client/fleet.hpp"
#include "fake_channel.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace dunlin::tests {

struct fake_fleet {
    using time_point = link::fleet::time_point;

    time_point now{std::chrono::hours(1)};
    link::fleet fleet{{.endpoints = {endpoint_of(1)},
                       .pause_min = std::chrono::milliseconds(1),
                       .pause_max = std::chrono::seconds(1),
                       .seed = 7,
                       .nodes_max = 16},
                      "fakes"};
    std::vector<std::unique_ptr<fake_channel>> channels;  // by instance, from 1

    static std::string endpoint_of(std::uint64_t instance) {
        return "tcp://node.test:" + std::to_string(instance);
    }
    fake_channel& node(std::uint64_t instance) { return *channels.at(instance - 1); }

    static wire::welcome welcome_of(const fake_channel& from) {
        wire::welcome envelope;
        envelope.features = wire::features::cluster;
        envelope.node = from.node_name;
        envelope.cluster = "fakes";
        envelope.instance = from.instance;
        envelope.in_flight_max = 1000;
        return envelope;
    }
    /// Carries an attempt of the plan out.
    fake_channel& connect() {
        const auto attempt = fleet.plan().next_attempt(now);
        REQUIRE(attempt);
        const auto instance =
            std::stoull(attempt->endpoint.substr(attempt->endpoint.rfind(':') + 1));
        if (channels.size() < instance) channels.resize(instance);
        auto& made = channels[instance - 1];
        made = std::make_unique<fake_channel>(instance, attempt->lane, attempt->endpoint);
        fleet.welcome(*made, welcome_of(*made), now);
        return *made;
    }
    /// Lets a function read a list as it comes from a node.
    template <class Items, class Read>
    static void as_list(const wire::list_part& part, const Items& items, Read&& read) {
        wire::frame_buffer frame;
        append(frame, part, items);
        wire::frame_reader reader(frame.view());
        REQUIRE(reader.next() == wire::read_status::envelope);
        read(reader.items());
    }
    /// The node says that these are the members.
    void tell(std::uint64_t teller, const std::set<std::uint64_t>& instances,
              const std::set<std::uint64_t>& draining = {}) {
        std::vector<std::string> texts;
        for (const auto each : instances) texts.push_back(endpoint_of(each));
        std::vector<wire::member_item> members;
        for (const auto each : instances) {
            wire::member_item item;
            item.instance = each;
            item.name = texts[members.size()];
            item.draining = draining.count(each) != 0;
            item.endpoints[0] = texts[members.size()];
            item.endpoint_count = 1;
            members.push_back(item);
        }
        const auto total = static_cast<std::uint32_t>(members.size());
        as_list({.view = ++view, .total = total}, members, [&](const wire::item_list& items) {
            fleet.take_members(node(teller), items, now);
        });
    }
    void tell_catalog(fake_channel& from) {
        const std::vector<wire::catalog_item> catalog{
            {"t/again", "1", wire::catalog_flags::idempotent}, {"t/once", "1", 0}};
        as_list({.total = 2}, catalog,
                [&](const wire::item_list& items) { CHECK(fleet.take_catalog(from, items)); });
    }
    /// Welcomed by that many nodes of one cluster, which tell of each other and what they serve.
    void connect_all(std::uint64_t count) {
        std::set<std::uint64_t> instances;
        for (std::uint64_t i = 1; i <= count; ++i) instances.insert(i);
        connect();
        tell(1, instances);
        while (fleet.nodes() < count) connect();
        for (const auto& each : channels) tell_catalog(*each);
    }
    [[nodiscard]] std::uint64_t pick(std::string_view function, std::string_view key = {}) {
        const auto to = fleet.pick(function, key, nullptr, now);
        return to.on == nullptr ? 0 : to.on->instance;
    }
    /// Which nodes get one of many calls that are not sent together.
    [[nodiscard]] std::set<std::uint64_t> picked(std::string_view function) {
        std::set<std::uint64_t> found;
        for (int i = 0; i < 100; ++i) {
            found.insert(pick(function));
            for (const auto& each : channels) fleet.frame_leaves(*each);
        }
        return found;
    }

    std::uint64_t view = 0;
};

}  // namespace dunlin::tests
