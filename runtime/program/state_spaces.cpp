// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/state_spaces.hpp"

#include "runtime/program/ask_members.hpp"
#include "runtime/program/lenient_json.hpp"
#include "runtime/program/node_table.hpp"
#include "runtime/program/progress.hpp"
#include "runtime/program/text_table.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace dunlin::program {
namespace {

json json_of(const space_list& node) {
    auto spaces = json::array();
    for (const auto& each : node.spaces) {
        auto schema = json::parse(each.schema, nullptr, false);
        if (schema.is_discarded()) schema = nullptr;
        spaces.push_back({{"space", each.name},
                          {"mode", each.mode},
                          {"keys_in_memory", each.keys_in_memory},
                          {"bytes_in_memory", each.bytes_in_memory},
                          {"turns", each.turns},
                          {"found", each.found},
                          {"missed", each.missed},
                          {"waiting", each.waiting},
                          {"reads", each.reads},
                          {"evicted", each.evicted},
                          {"commits", each.commits},
                          {"conflicts", each.conflicts},
                          {"keys_offered", each.keys_offered},
                          {"keys_taken", each.keys_taken},
                          {"batches", each.batches},
                          {"batches_failed", each.batches_failed},
                          {"gate_p50_us", each.gate_p50_us},
                          {"gate_p99_us", each.gate_p99_us},
                          {"refused", each.refused.empty() ? json(nullptr) : json(each.refused)},
                          {"schema", std::move(schema)}});
    }
    return {{"node", node.node}, {"store", node.store}, {"spaces", std::move(spaces)}};
}

/// "nodes n1, n2, store: ..." for each store that there is.
std::string stores_of(const cluster_spaces& all) {
    std::map<std::string, std::vector<std::string>> by_store;
    for (const auto& each : all.nodes) by_store[each.store].push_back(printable(each.node));
    std::string text;
    for (const auto& [store, nodes] : by_store) {
        text += nodes.size() == 1 ? "node " : "nodes ";
        for (const auto& each : nodes) text += each + ", ";
        text += store.empty() ? "no store\n" : "store: " + printable(store) + "\n";
    }
    return text;
}

}  // namespace

cluster_spaces ask_spaces(client& entry, std::chrono::milliseconds patience,
                          const key_files& keys) {
    const json input = {{"do", "spaces"}};
    const auto packed = json::to_msgpack(input);
    const member_question question{
        "dunlin/state",
        {bytes(bytes_view(reinterpret_cast<const std::byte*>(packed.data()), packed.size()))}};
    cluster_spaces all;
    all.asked = entry.node();
    for (auto& each : ask_members(entry, members_or_alone(entry), question, patience, keys)) {
        auto read = each.reply ? read_spaces(each.reply->view())
                               : result<space_list>(std::move(each.reply.error()));
        if (read)
            all.nodes.push_back(std::move(*read));
        else
            all.silent.emplace_back(each.name, std::move(read.error()));
    }
    return all;
}

result<space_list> read_spaces(bytes_view reply) {
    const auto answer = read_value(reply);
    const auto spaces = answer.is_object() ? answer.find("spaces") : answer.end();
    if (!answer.is_object() || spaces == answer.end() || !spaces->is_array())
        return error{errc::internal, "the node's answer is no map of spaces"};
    space_list all;
    all.node = text_in(answer, "node");
    all.store = text_in(answer, "store");
    for (const auto& each : *spaces) {
        if (!each.is_object()) continue;
        auto& row = all.spaces.emplace_back();
        row.name = text_in(each, "space");
        row.mode = text_in(each, "mode");
        row.schema = text_in(each, "schema");
        row.keys_in_memory = count_in(each, "keys_in_memory");
        row.bytes_in_memory = count_in(each, "bytes_in_memory");
        row.turns = count_in(each, "turns");
        row.found = count_in(each, "found");
        row.reads = count_in(each, "reads");
        row.commits = count_in(each, "commits");
        row.missed = count_in(each, "missed");
        row.waiting = count_in(each, "waiting");
        row.evicted = count_in(each, "evicted");
        row.conflicts = count_in(each, "conflicts");
        row.keys_offered = count_in(each, "keys_offered");
        row.keys_taken = count_in(each, "keys_taken");
        row.batches = count_in(each, "batches");
        row.batches_failed = count_in(each, "batches_failed");
        row.gate_p50_us = number_in(each, "gate_p50_us");
        row.gate_p99_us = number_in(each, "gate_p99_us");
        row.refused = text_in(each, "refused");
    }
    return all;
}

std::string spaces_table(const cluster_spaces& all) {
    std::vector<std::pair<const space_row*, const space_list*>> served;
    for (const auto& node : all.nodes)
        for (const auto& each : node.spaces) served.emplace_back(&each, &node);
    if (served.empty())
        return all.nodes.size() == 1 ? "node " + printable(all.nodes.front().node) +
                                           " serves no function with state\n"
                                     : "none of " + std::to_string(all.nodes.size()) +
                                           " nodes serves a function with state\n";
    std::stable_sort(served.begin(), served.end(), [](const auto& one, const auto& other) {
        return one.first->name < other.first->name;
    });
    std::vector<table_row> rows{{"SPACE", "NODE", "MODE", "KEYS", "BYTES", "TURNS", "HITS", "LOADS",
                                 "WRITES", "GATE P50", "GATE P99", "WAITING"}};
    std::string refused;
    for (const auto& [space, node] : served) {
        const auto& each = *space;
        const auto calls = each.found + each.missed;
        rows.push_back({printable(each.name), printable(node->node), each.mode,
                        grouped(each.keys_in_memory), grouped(each.bytes_in_memory),
                        grouped(each.turns),
                        calls == 0 ? "-" : std::to_string(each.found * 100 / calls) + "%",
                        grouped(each.reads), grouped(each.commits), short_time_us(each.gate_p50_us),
                        short_time_us(each.gate_p99_us), grouped(each.waiting)});
        if (!each.refused.empty())
            refused +=
                "refused by " + printable(node->node) + ": " + printable(each.refused) + "\n";
    }
    constexpr std::array columns{align::left,  align::left,  align::left,  align::right,
                                 align::right, align::right, align::right, align::right,
                                 align::right, align::right, align::right, align::right};
    return stores_of(all) + laid_out(rows, columns) + refused;
}

std::string spaces_json(const cluster_spaces& all) {
    json whole = {{"node", all.asked}, {"store", ""}, {"spaces", json::array()}};
    auto nodes = json::array();
    for (const auto& each : all.nodes) {
        nodes.push_back(json_of(each));
        if (each.node == all.asked) whole = nodes.back();
    }
    auto silent = json::array();
    for (const auto& [name, why] : all.silent) silent.push_back(name);
    whole["nodes"] = std::move(nodes);
    whole["unanswered"] = std::move(silent);
    return whole.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace dunlin::program
