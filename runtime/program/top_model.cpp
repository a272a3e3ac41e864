// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_model.hpp"

#include "runtime/program/lenient_json.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace dunlin::program {
namespace {

using answer = observation::answer;

template <class Key, class Value>
Value value_or_none(const std::map<Key, Value>& in, const Key& key) {
    const auto found = in.find(key);
    return found == in.end() ? Value{} : found->second;
}

latency_buckets read_latency(const json& of, const char* key) {
    latency_buckets counted;
    const auto list = of.find(key);
    if (list == of.end() || !list->is_array()) return counted;
    for (const auto& pair : *list)
        if (pair.is_array() && pair.size() == 2 && pair[0].is_number() &&
            pair[1].is_number_unsigned())
            counted[pair[0].get<double>()] += pair[1].get<std::uint64_t>();
    return counted;
}

/// Adds what a function of one node did since then.
void add_growth(top_function& to, const function_sample& before, const function_sample& now,
                double seconds) {
    const auto calls = grown(before.invocations, now.invocations);
    to.calls += calls;
    to.calls_rate += static_cast<double>(calls) / seconds;
    const auto rate = [&](std::uint64_t function_sample::*count) {
        return static_cast<double>(grown(before.*count, now.*count)) / seconds;
    };
    to.refused_rate += rate(&function_sample::refused);
    to.started_rate += rate(&function_sample::started);
    to.retired_rate += rate(&function_sample::retired);
    to.cold_calls_rate += rate(&function_sample::cold_calls);
    add_gained(to.latency, before.latency, now.latency);
}

std::map<std::string, space_sample> read_spaces(const json& stats) {
    std::map<std::string, space_sample> spaces;
    const auto state = stats.find("state");
    if (state == stats.end() || !state->is_object()) return spaces;
    const auto list = state->find("spaces");
    if (list == state->end() || !list->is_array()) return spaces;
    for (const auto& each : *list) {
        if (!each.is_object()) continue;
        spaces[text_in(each, "space")] = {.keys = count_in(each, "keys_in_memory"),
                                          .bytes = count_in(each, "bytes_in_memory"),
                                          .waiting = count_in(each, "waiting"),
                                          .refused = !text_in(each, "refused").empty(),
                                          .turns = count_in(each, "turns"),
                                          .found = count_in(each, "found"),
                                          .missed = count_in(each, "missed"),
                                          .loads = count_in(each, "reads"),
                                          .evicted = count_in(each, "evicted"),
                                          .writes = count_in(each, "commits"),
                                          .batches = count_in(each, "batches"),
                                          .failures = count_in(each, "batches_failed"),
                                          .conflicts = count_in(each, "conflicts"),
                                          .gate = read_latency(each, "gate")};
    }
    return spaces;
}

/// Sums over the nodes, by name.
struct sums {
    std::map<std::string, top_function> functions = {};
    std::map<std::string, top_space> spaces = {};
};

/// Of one node, into the sums over all; with rates if there is an answer before.
void add_answer(top_node& node, sums& all, const answer* before, const answer& now) {
    node.answers = true;
    node.calls_open = now.sample.calls_open;
    // What it says of itself is newer than what others have heard.
    node.busy = now.sample.busy;
    node.bytes_held = now.sample.bytes_held;
    node.bytes_held_max = now.sample.bytes_held_max;
    if (before != nullptr && now.taken_ns > before->taken_ns) {
        auto& rates = node.rates.emplace();
        rates.seconds = static_cast<double>(now.taken_ns - before->taken_ns) / 1e9;
        const auto rate = [&](std::uint64_t then, std::uint64_t at_last) {
            return static_cast<double>(grown(then, at_last)) / rates.seconds;
        };
        rates.forwarded_rate = rate(before->sample.forwarded, now.sample.forwarded);
        rates.retried_rate = rate(before->sample.retried, now.sample.retried);
    }
    for (const auto& [name, function] : now.sample.functions) {
        auto& sum = all.functions[name];
        ++sum.nodes;
        sum.queue_depth += function.queue_depth;
        sum.stuck += function.stuck;
        sum.activations += function.activations;
        if (!node.rates) continue;
        const auto then = value_or_none(before->sample.functions, name);
        node.rates->calls += grown(then.invocations, function.invocations);
        add_growth(sum, then, function, node.rates->seconds);
    }
    for (const auto& [name, space] : now.sample.spaces) {
        auto& sum = all.spaces[name];
        add_now(sum, space);
        if (node.rates)
            add_growth(sum, value_or_none(before->sample.spaces, name), space, node.rates->seconds);
    }
    if (node.rates)
        node.rates->calls_rate = static_cast<double>(node.rates->calls) / node.rates->seconds;
}

struct moving_key {
    std::string_view sent;
    std::ptrdiff_t lines;
};
constexpr moving_key moving_keys[]{{"\x1b[A", -1},  {"\x1bOA", -1}, {"k", -1},        {"\x1b[B", 1},
                                   {"\x1bOB", 1},   {"j", 1},       {"\x1b[5~", -10}, {"b", -10},
                                   {"\x1b[6~", 10}, {" ", 10}};

}  // namespace

double quantile_us(const latency_buckets& counted, double part) noexcept {
    std::uint64_t all = 0;
    for (const auto& bucket : counted) all += bucket.second;
    const auto rank = std::max(1.0, std::ceil(part * static_cast<double>(all)));
    std::uint64_t seen = 0;
    for (const auto& [upper_us, count] : counted)
        if (static_cast<double>(seen += count) >= rank) return upper_us;
    return 0;
}

result<node_sample> read_sample(bytes_view payload) {
    const auto stats = read_value(payload);
    if (!stats.is_object())
        return {errc::internal, "the node's figures are no map; it may speak a newer version"};
    node_sample sample;
    sample.node = text_in(stats, "node");
    sample.calls_open = count_in(stats, "calls_open");
    sample.forwarded = count_in(stats, "calls_forwarded");
    sample.retried = count_in(stats, "calls_retried");
    sample.busy = number_in(stats, "busy");
    sample.bytes_held = count_in(stats, "bytes_held");
    sample.bytes_held_max = count_in(stats, "bytes_held_max");
    sample.spaces = read_spaces(stats);
    const auto functions = stats.find("functions");
    if (functions == stats.end() || !functions->is_array()) return sample;
    for (const auto& each : *functions) {
        if (!each.is_object()) continue;
        auto name = text_in(each, "name");
        if (name.starts_with("dunlin/")) continue;
        sample.functions[std::move(name)] = {.invocations = count_in(each, "invocations"),
                                             .refused = count_in(each, "refused"),
                                             .queue_depth = count_in(each, "queue_depth"),
                                             .latency = read_latency(each, "latency"),
                                             .stuck = count_in(each, "stuck"),
                                             .activations = count_in(each, "activations"),
                                             .started = count_in(each, "activations_started"),
                                             .retired = count_in(each, "activations_retired"),
                                             .cold_calls = count_in(each, "cold_calls")};
    }
    return sample;
}

top_model top_history::add(const observation& seen) {
    top_model model;
    sums all;
    std::map<std::uint64_t, answer> kept;
    for (const auto& one : seen.members) {
        if (one.asked) model.asked = one.name;
        if (!one.living()) continue;
        const bool asked =
            std::find(seen.asked.begin(), seen.asked.end(), one.instance) != seen.asked.end();
        top_node node{one.name, one.state, one.instance, one.asked, asked, false, 0, one.busy};
        const auto now = seen.answers.find(one.instance);
        const auto before = last_.find(one.instance);
        if (now != seen.answers.end())
            add_answer(node, all, before == last_.end() ? nullptr : &before->second, now->second);
        // One that missed a round is compared with its last answer in the next.
        if (now != seen.answers.end())
            kept.insert(*now);
        else if (before != last_.end())
            kept.insert(*before);
        model.nodes.push_back(std::move(node));
    }
    last_ = std::move(kept);
    for (auto& [name, sum] : all.functions) {
        sum.name = name;
        model.functions.push_back(std::move(sum));
    }
    for (auto& [name, sum] : all.spaces) {
        sum.name = name;
        model.spaces.push_back(std::move(sum));
    }
    std::stable_sort(
        model.spaces.begin(), model.spaces.end(),
        [](const top_space& a, const top_space& b) { return a.turns_rate > b.turns_rate; });
    std::stable_sort(model.functions.begin(), model.functions.end(),
                     [](const top_function& a, const top_function& b) {
                         if ((a.stuck != 0) != (b.stuck != 0)) return a.stuck != 0;
                         return a.calls_rate > b.calls_rate;
                     });
    return model;
}

bool top_scroll::press(std::string_view keys) {
    while (!keys.empty()) {
        std::size_t taken = 1;
        if (keys.front() == 'q') return true;
        if (keys.front() == 'g') first_ = 0;
        if (keys.front() == 'i') hides_idle_ = !hides_idle_;
        for (const auto& [sent, lines] : moving_keys) {
            if (!keys.starts_with(sent)) continue;
            first_ = std::max<std::ptrdiff_t>(first_ + lines, 0);
            taken = sent.size();
        }
        keys.remove_prefix(taken);
    }
    return false;
}

top_model top_scroll::apply(top_model model) const {
    std::erase_if(model.functions, [&](const top_function& each) {
        return each.name.find(filter_) == std::string::npos ||
               (hides_idle_ && each.calls == 0 && each.queue_depth == 0);
    });
    // The last one stays, so that nobody scrolls into nothing.
    const auto most = model.functions.empty() ? 0 : model.functions.size() - 1;
    model.functions_above = std::min(static_cast<std::size_t>(first_), most);
    return model;
}

}  // namespace dunlin::program
