// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/simulate_verb.hpp"

#include "runtime/program/exit_code.hpp"
#include "runtime/program/progress.hpp"
#include "runtime/program/quantity_options.hpp"
#include "runtime/program/record_load.hpp"
#include "runtime/program/signals.hpp"
#include "runtime/program/simulate_plan.hpp"
#include "runtime/program/simulate_report.hpp"
#include "runtime/rehearsal/plot.hpp"
#include "runtime/text/quantity.hpp"

#include <CLI/CLI.hpp>
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::program {
namespace {

using namespace runtime::rehearsal;

constexpr const char* description =
    "Replays a recorded load through policies that start and retire actors, in virtual time. Says "
    "what the load would have cost under each: time of actors, starts, and waits of calls.";

constexpr const char* footer = R"(Examples:
    dunlin simulate requests.csv --service-time 20ms --cv 1
    dunlin simulate requests.csv --service-time 20ms --policy dunlin knative orleans fixed:16
    dunlin simulate calls.csv --durations times.csv --plot load.svg --function 228 267
    dunlin simulate requests.csv --service-time 5ms --set max=64,idle=10s --json
    dunlin simulate --from tcp://10.0.0.1:7440 --for 5m --save load.csv --policy dunlin knative
    dunlin simulate --from tcp://10.0.0.1:7440 text/count_words

A trace of one function has the head "period,count", and on each line a UTC time, as in
1998-06-10 00:01:00, and the calls until the next line's. A trace of many has the form of the Azure
Functions 2019 data set: HashOwner,HashApp,HashFunction,Trigger and a column for each minute, with
the mean service times in another file, named by --durations; in place of minutes the columns may be
UTC times as in the other form.

With --from the nodes of a running cluster count the calls that come to their functions in each
tenth of a second, and tell how long functions take; then that is rehearsed, and --save keeps it as
a trace. Ctrl-C ends the recording, and what has come by then is rehearsed. A node that does not
answer or cannot record is named on standard error, and the others count. Where nodes have keys it
takes the role operator, or a pattern that allows dunlin/record and dunlin/nodes.

Arrivals: even, equally far apart; poisson, anywhere in the period; burst, all calls of a second at
its start, where a period's calls are shared evenly by its seconds. Service times: constant with
--cv 0, exponential with 1, else lognormal. The same seed gives every policy the same calls.

Policies:
    dunlin         Dunlin's own, as actors/README.md explains it
    knative[:U]    Knative's autoscaler, target utilisation U (0.7), one call at a time in a pod
    orleans[:N]    Orleans 10's stateless worker with at most N (this machine's cores) workers
    fixed:N        N from the beginning to the end
Starts take --start-cost, whatever the policy, and do not hold each other up. A function refuses
calls when 16,384 wait.

RATIO is the time of actors by the time that they were busy: 1 would be an oracle that starts and
ends actors for free, as calls come and go.

Exit codes: 0 done, 1 a file could not be written or no calls were recorded, 2 usage or a trace that
cannot be used, 3 no node reached, 130 interrupted; the figures until then are printed.)";

std::chrono::nanoseconds read_record_time(const std::string& text, std::chrono::nanoseconds usual) {
    if (text.empty()) return usual;
    const auto value = runtime::parse_duration(text);
    if (!value) throw usage_error("--for: " + value.error().detail);
    if (*value <= std::chrono::nanoseconds(0)) throw usage_error("--for: must be more than zero");
    if (*value > record_arguments::duration_max)
        throw usage_error("--for: more than an hour is not recorded");
    return *value;
}

std::string heading(const rehearsal& of) {
    const auto functions = of.load.functions.size();
    std::string text = of.load.name + ": " + grouped(functions) +
                       (functions == 1 ? " function, " : " functions, ") +
                       grouped(of.load.calls()) + " calls in " +
                       runtime::format_duration(std::chrono::nanoseconds(of.load.length_ns()));
    if (of.plan.compress > 1)
        text += ", " + grouped(static_cast<unsigned long long>(of.plan.compress)) + " times faster";
    return text + "\n\n";
}

bool write_plot(const std::string& path, const std::vector<outcome>& outcomes,
                const rehearsal& of) {
    std::vector<std::string> titles;
    for (const auto index : of.plan.recorded) titles.push_back(title_of(of.load, index));
    std::ofstream file(path, std::ios::binary);
    file << plot(outcomes, titles);
    file.close();
    if (file) return true;
    complain(path + ": cannot write the plot: " + std::strerror(errno));
    return false;
}

// Asked for before anything is recorded, so that nobody waits for what cannot be kept.
void check_save(const std::string& path) {
    if (!path.empty() && !std::ofstream(path, std::ios::app))
        throw usage_error("--save: " + path + ": " + std::strerror(errno));
}

// @returns what to exit with where there is no load.
std::optional<int> record(const simulate_arguments& given, const signals& stop, rehearsal& to) {
    check_save(given.save);
    auto what = given.record;
    what.functions = given.words;
    what.duration = read_record_time(given.record_for, what.duration);
    auto made = record_load(what, stop);
    if (!made.load) return made.exit_code;
    if (!given.save.empty()) {
        const auto options = save_recording(made, given.save);
        if (options.empty()) return exit_code::call_failed;
        complain("saved; again with: dunlin simulate " + options);
    }
    take_load(given, std::move(*made.load), to);
    return std::nullopt;
}

int run(const simulate_arguments& given) {
    auto of = plan_rehearsal(given);
    const bool recorded = !given.record.connection.nodes.empty();
    if (!recorded) read_load(given, of);  // a signal ends this at once
    const signals stop;
    if (recorded)
        if (const auto ended = record(given, stop, of)) return *ended;
    bool interrupted = false;
    std::vector<outcome> outcomes;
    {
        progress line(results_go::nowhere);
        for (const auto& policy : of.policies) {
            const auto watch = [&](double part) {
                pollfd source{stop.fd(), POLLIN, 0};
                interrupted = interrupted || ::poll(&source, 1, 0) > 0;
                if (line.due())
                    line.show(policy.name + ": " + std::to_string(static_cast<int>(part * 100)) +
                              "% of the trace");
                return !interrupted;
            };
            outcomes.push_back(rehearse(of.load, policy, of.plan, watch));
            if (interrupted) break;
        }
    }
    const bool plotted = given.plot.empty() || write_plot(given.plot, outcomes, of);
    std::fputs((given.json ? simulate_json(of.load.name, outcomes)
                           : heading(of) + simulate_table(outcomes))
                   .c_str(),
               stdout);
    if (interrupted) {
        complain("interrupted: the figures of " + outcomes.back().policy + " are of the first " +
                 std::to_string(static_cast<long long>(outcomes.back().seconds)) + " s");
        return exit_code::interrupted;
    }
    return plotted ? exit_code::success : exit_code::call_failed;
}

void add_record_options(CLI::App& app, simulate_arguments& to) {
    auto& connection = to.record.connection;
    connection.nodes.clear();
    app.add_option("--from", connection.nodes,
                   "Record the load of the cluster of this node, in place of reading a trace.")
        ->type_name("ENDPOINT")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->group("Recording");
    app.add_option("--for", to.record_for, "How long; Ctrl-C ends it before. An hour at most.")
        ->type_name("DURATION")
        ->default_str(runtime::format_duration(to.record.duration))
        ->group("Recording");
    app.add_option("--save", to.save, "Write what was recorded as a trace.")
        ->type_name("FILE")
        ->group("Recording");
    connection.timeout = std::chrono::seconds(2);
    add_dialing_options(app, connection,
                        "How long a node may take to answer; then it is left out.");
}

void add_load_options(CLI::App& app, simulate_arguments& to) {
    app.add_option("--durations", to.durations, "Mean service times of a trace of many functions.")
        ->type_name("FILE")
        ->group("Load");
    app.add_option("--service-time", to.service_time, "Mean service time of every function.")
        ->type_name("DURATION")
        ->group("Load");
    app.add_option("--cv", to.cv, "Standard deviation of service times, by their mean.")
        ->type_name("NUMBER")
        ->default_str(to.cv)
        ->group("Load");
    app.add_option("--arrivals", to.arrivals, "Where in its period a call comes.")
        ->type_name("even|poisson|burst")
        ->default_str(to.arrivals)
        ->group("Load");
    add_count(app, "--compress", to.compress,
              "Make the trace so many times shorter, and so the constants of knative and orleans.",
              {1, 1'000'000})
        ->group("Load");
    add_count(app, "--one-in", to.one_in,
              "Leave one call in so many, so that a trace made shorter keeps its rate.",
              {1, 1'000'000})
        ->group("Load");
    add_count(app, "--seed", to.seed, "Chance: another seed, other calls.",
              {0, std::numeric_limits<std::size_t>::max()})
        ->group("Load");
}

}  // namespace

verb add_simulate(CLI::App& program) {
    auto* app = program.add_subcommand("simulate", description);
    app->footer(footer);
    auto given = std::make_shared<simulate_arguments>();
    app->add_option(
        "TRACE", given->words,
        "The trace, a CSV file. With --from: functions to record, all if none is named.");
    add_record_options(*app, *given);
    add_load_options(*app, *given);
    app->add_option("--policy", given->policies, "Policies to compare.")
        ->type_name("POLICY")
        ->default_str("dunlin")
        ->group("Policies");
    app->add_option("--set", given->settings,
                    "What the function declares: min=N, max=N (10000), idle=DURATION, with commas "
                    "between them.")
        ->type_name("NAME=VALUE,...")
        ->group("Policies");
    app->add_option("--start-cost", given->start_cost, "How long an actor takes to start.")
        ->type_name("DURATION")
        ->default_str(given->start_cost)
        ->group("Policies");
    app->add_option("--plot", given->plot, "Write load, actors and waits over time as SVG.")
        ->type_name("FILE")
        ->group("Output");
    app->add_option("--function", given->functions,
                    "Functions to plot, by name or line of the trace, instead of the busiest.")
        ->type_name("NAME")
        ->group("Output");
    app->add_flag("--json", given->json, "Print one JSON object.")->group("Output");
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
