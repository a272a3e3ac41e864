// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_model.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::program {
namespace {

using answer = observation::answer;

std::uint64_t calls_between(const node_sample& before, const node_sample& now) {
    std::uint64_t calls = 0;
    for (const auto& [name, function] : now.functions) {
        const auto earlier = before.functions.find(name);
        calls += grown(earlier == before.functions.end() ? 0 : earlier->second.invocations,
                       function.invocations);
    }
    return calls;
}

std::optional<node_rates> rates_between(const answer& before, const answer& now) {
    node_rates rates;
    rates.seconds = static_cast<double>(now.taken_ns - before.taken_ns) / 1e9;
    if (!(rates.seconds > 0)) return std::nullopt;
    rates.calls = calls_between(before.sample, now.sample);
    rates.calls_rate = static_cast<double>(rates.calls) / rates.seconds;
    rates.forwarded_rate =
        static_cast<double>(grown(before.sample.forwarded, now.sample.forwarded)) / rates.seconds;
    rates.retried_rate =
        static_cast<double>(grown(before.sample.retried, now.sample.retried)) / rates.seconds;
    return rates;
}

void add_function(top_function& to, const function_sample& before, const function_sample& now,
                  double seconds) {
    const auto calls = grown(before.invocations, now.invocations);
    to.calls += calls;
    to.calls_rate += static_cast<double>(calls) / seconds;
    to.refused_rate += static_cast<double>(grown(before.refused, now.refused)) / seconds;
    for (const auto& [upper_us, count] : grown(before.latency, now.latency))
        to.latency[upper_us] += count;
}

}  // namespace

top_model top_history::add(const observation& seen) {
    top_model model;
    std::map<std::string, top_function> functions;
    std::map<std::uint64_t, answer> kept;
    for (const auto& one : seen.members) {
        if (one.asked) model.asked = one.name;
        if (!one.living()) continue;
        top_node node;
        node.name = one.name;
        node.state = one.state;
        node.instance = one.instance;
        node.asked_for_members = one.asked;
        node.asked =
            std::find(seen.asked.begin(), seen.asked.end(), one.instance) != seen.asked.end();
        node.busy = one.busy;
        const auto now = seen.answers.find(one.instance);
        const auto before = last_.find(one.instance);
        if (now == seen.answers.end()) {
            if (before != last_.end()) kept.insert(*before);
            model.nodes.push_back(std::move(node));
            continue;
        }
        const auto& sample = now->second.sample;
        node.answers = true;
        node.calls_open = sample.calls_open;
        // What it says of itself is newer than what others have heard.
        node.busy = sample.busy;
        if (before != last_.end()) node.rates = rates_between(before->second, now->second);
        for (const auto& [name, function] : sample.functions) {
            auto& sum = functions[name];
            ++sum.nodes;
            sum.queue_depth += function.queue_depth;
            sum.stuck += function.stuck;
            if (!node.rates) continue;
            const auto& then = before->second.sample.functions;
            const auto earlier = then.find(name);
            add_function(sum, earlier == then.end() ? function_sample{} : earlier->second, function,
                         node.rates->seconds);
        }
        kept.insert(*now);
        model.nodes.push_back(std::move(node));
    }
    last_ = std::move(kept);
    for (auto& [name, sum] : functions) {
        sum.name = name;
        model.functions.push_back(std::move(sum));
    }
    std::stable_sort(model.functions.begin(), model.functions.end(),
                     [](const top_function& a, const top_function& b) {
                         if ((a.stuck != 0) != (b.stuck != 0)) return a.stuck != 0;
                         return a.calls_rate > b.calls_rate;
                     });
    return model;
}

}  // namespace dunlin::program
