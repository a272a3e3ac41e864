// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/simulate_plan.hpp"

#include "runtime/program/load_options.hpp"
#include "runtime/program/verb.hpp"
#include "runtime/text/quantity.hpp"
#include "runtime/text/suggest.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <thread>
#include <utility>

namespace dunlin::program {
namespace {

using namespace runtime::rehearsal;

constexpr std::size_t functions_plotted_max = 8;

// The value, or what is wrong with it behind the option's name.
template <class T>
T taken(result<T> read, const std::string& option) {
    if (!read) throw usage_error(option + read.error().detail);
    return std::move(*read);
}

std::size_t read_actors(const std::string& option, const std::string& text) {
    const auto number = taken(runtime::parse_count(text), option + ": ");
    if (number > actors_max)
        throw usage_error(option + ": " + text + " is more than " + std::to_string(actors_max) +
                          " actors");
    return number;
}

void read_setting(const std::string& setting, actors::elastic_bounds& to) {
    const auto equals = setting.find('=');
    const auto name = setting.substr(0, equals);
    const std::array<std::string, 3> known{"min", "max", "idle"};
    if (std::find(known.begin(), known.end(), name) == known.end())
        throw usage_error("--set: nothing is called '" + name + "'; min, max and idle are" +
                          runtime::did_you_mean(name, known));
    if (equals == std::string::npos)
        throw usage_error("--set: " + name + " needs a value, as in " + name +
                          (name == "idle" ? "=10s" : "=8"));
    const auto value = setting.substr(equals + 1);
    if (name == "idle") {
        to.idle = std::chrono::nanoseconds(read_load_time("--set idle", value));
    } else {
        (name == "min" ? to.min : to.max) = read_actors("--set " + name, value);
    }
}

actors::elastic_bounds read_settings(const std::string& text, actors::elastic_bounds bounds) {
    for (std::size_t at = 0; !text.empty() && at <= text.size();) {
        const auto comma = std::min(text.find(',', at), text.size());
        read_setting(text.substr(at, comma - at), bounds);
        at = comma + 1;
    }
    if (bounds.max == 0) throw usage_error("--set: max has to be at least 1");
    if (bounds.min > bounds.max)
        throw usage_error("--set: min " + std::to_string(bounds.min) + " is above max " +
                          std::to_string(bounds.max));
    return bounds;
}

std::vector<policy_choice> read_policies(const std::vector<std::string>& names) {
    if (names.empty()) return {policy_choice{}};
    std::vector<policy_choice> policies;
    for (const auto& name : names) {
        auto policy = taken(parse_policy(name), "--policy: ");
        if (policy.kind == policy_kind::orleans && policy.number == 0)
            policy.number = std::max(1u, std::thread::hardware_concurrency());
        policies.push_back(std::move(policy));
    }
    return policies;
}

void set_service_time(const simulate_arguments& given, trace& load) {
    const auto mean = static_cast<double>(read_load_time("--service-time", given.service_time));
    for (auto& function : load.functions) function.service_ns = mean;
}

trace read_files(const simulate_arguments& given) {
    const auto& file = given.words.front();
    auto load = taken(read_trace_file(file), "");
    const bool many = !load.functions.front().name.empty();
    if (!given.durations.empty() && !given.service_time.empty())
        throw usage_error("--durations and --service-time exclude each other");
    if (!given.durations.empty()) {
        if (!many)
            throw usage_error("--durations: " + file +
                              " is a trace of one function; give --service-time");
        if (const auto read = read_durations_file(given.durations, load); !read)
            throw usage_error(read.error().detail);
    } else if (given.service_time.empty()) {
        throw usage_error(file + " does not say how long calls take; give --service-time" +
                          (many ? " or --durations" : ""));
    } else {
        set_service_time(given, load);
    }
    return load;
}

double busy_ns(const traced_function& of) {
    return of.service_ns * std::accumulate(of.counts.begin(), of.counts.end(), 0.0);
}

std::vector<std::size_t> functions_to_plot(const simulate_arguments& given, const trace& load) {
    const auto& all = load.functions;
    if (given.plot.empty()) return {};
    if (given.functions.empty()) {
        const auto busiest =
            std::max_element(all.begin(), all.end(),
                             [](const auto& a, const auto& b) { return busy_ns(a) < busy_ns(b); });
        return {static_cast<std::size_t>(busiest - all.begin())};
    }
    std::vector<std::size_t> chosen;
    for (const auto& wanted : given.functions) {
        const auto at = std::find_if(all.begin(), all.end(), [&](const traced_function& each) {
            return each.name == wanted || std::to_string(each.line) == wanted;
        });
        if (at == all.end())
            throw usage_error("--function: no function has the name or the line '" + wanted +
                              "' in " + load.name);
        const auto index = static_cast<std::size_t>(at - all.begin());
        if (std::find(chosen.begin(), chosen.end(), index) == chosen.end()) chosen.push_back(index);
    }
    return chosen;
}

void check_plot(const simulate_arguments& given) {
    if (given.plot.empty() && !given.functions.empty())
        throw usage_error("--function chooses what --plot shows");
    if (given.functions.size() > functions_plotted_max)
        throw usage_error("--function: more than " + std::to_string(functions_plotted_max) +
                          " do not fit into a plot");
}

// Where the load comes from.
void check_source(const simulate_arguments& given) {
    const bool recorded = !given.record.connection.nodes.empty();
    if (!recorded) {
        if (given.words.empty())
            throw usage_error("TRACE is required, or --from a node to record one from");
        if (given.words.size() > 1)
            throw usage_error("'" + given.words[1] +
                              "' is one trace too many; functions to record need --from");
        if (!given.save.empty()) throw usage_error("--save is for what --from records");
        if (!given.record_for.empty()) throw usage_error("--for is how long --from records");
        return;
    }
    if (!given.durations.empty())
        throw usage_error("--durations is for a file; nodes tell how long their functions take");
    for (const auto& each : given.words)
        if (each.starts_with("dunlin/"))
            throw usage_error(each + " is the nodes' own function, which scales by itself");
}

void finish_plan(const simulate_arguments& given, rehearsal& to) {
    keep_one_in(to.load, given.one_in);
    if (to.load.length_ns() / to.plan.compress < 1'000)
        throw usage_error("--compress: the whole trace would last less than a microsecond");
    to.plan.recorded = functions_to_plot(given, to.load);
}

}  // namespace

rehearsal plan_rehearsal(const simulate_arguments& given) {
    rehearsal made;
    check_source(given);
    check_plot(given);
    made.policies = read_policies(given.policies);
    auto& plan = made.plan;
    plan.bounds = read_settings(given.settings, plan.bounds);
    plan.arrivals = read_arrivals(given.arrivals);
    plan.cv = read_cv(given.cv);
    plan.start_ns = read_load_time("--start-cost", given.start_cost);
    plan.seed = given.seed;
    plan.compress = static_cast<std::int64_t>(given.compress);
    if (!given.service_time.empty())
        static_cast<void>(read_load_time("--service-time", given.service_time));
    return made;
}

void read_load(const simulate_arguments& given, rehearsal& to) {
    to.load = read_files(given);
    finish_plan(given, to);
}

void take_load(const simulate_arguments& given, trace load, rehearsal& to) {
    to.load = std::move(load);
    if (!given.service_time.empty()) set_service_time(given, to.load);
    finish_plan(given, to);
}

std::string title_of(const trace& load, std::size_t index) {
    const auto& function = load.functions[index];
    return function.name.empty()
               ? load.name
               : "line " + std::to_string(function.line) + ", " + function.name.substr(0, 12);
}

}  // namespace dunlin::program
