// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/member_use.hpp"

#include "runtime/program/lenient_json.hpp"

#include <algorithm>

namespace dunlin::program {
namespace {

// A wait in microseconds that no clock could count is one of an hour.
std::int64_t wait_ns(double wait_us) {
    constexpr double longest_us = 3600e6;
    return static_cast<std::int64_t>(std::clamp(wait_us, 0.0, longest_us) * 1e3);
}

}  // namespace

std::vector<cluster::node_use> use_of(const std::vector<member>& members,
                                      const std::vector<member_answer>& answers) {
    std::vector<cluster::node_use> uses;
    for (const auto& one : members) {
        if (!one.living()) continue;
        auto& use = uses.emplace_back();
        use.used = one.busy;
        use.draining = one.state == "draining";
        const auto answer = std::find_if(answers.begin(), answers.end(),
                                         [&](const auto& each) { return each.name == one.name; });
        if (answer == answers.end() || !answer->reply) continue;
        const auto stats = read_value(*answer->reply);
        if (!stats.is_object()) continue;
        use.used = number_in(stats, stats.contains("used") ? "used" : "busy");
        use.wait_ns = wait_ns(number_in(stats, "wait_us"));
        use.refuses = stats.value("refused_recently", json(false)) == json(true);
    }
    return uses;
}

std::map<std::string, member_memory> memory_of(const std::vector<member_answer>& answers) {
    std::map<std::string, member_memory> all;
    for (const auto& each : answers) {
        if (!each.reply) continue;
        const auto stats = read_value(*each.reply);
        if (!stats.is_object()) continue;
        all[each.name] = {count_in(stats, "bytes_held"), count_in(stats, "bytes_held_max")};
    }
    return all;
}

}  // namespace dunlin::program
