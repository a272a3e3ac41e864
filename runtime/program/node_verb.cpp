// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/node_verb.hpp"

#include "actors/running_code.hpp"
#include "runtime/config/config_file.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/log.hpp"
#include "runtime/node.hpp"
#include "runtime/program/crash_report.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/heap_arenas.hpp"
#include "runtime/program/logging.hpp"
#include "runtime/program/signals.hpp"

#include <CLI/CLI.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Runs a node: loads modules and serves their functions until it is told to stop. When it "
    "serves, one line on standard output says where.";

constexpr const char* footer = R"(Examples:
    dunlin node --module bench
    dunlin node --module ./text.so ./images.so --listen tcp://127.0.0.1:0
    dunlin node --module bench --print-config > node.toml
    dunlin node --config node.toml --log-level debug
    PGPASSFILE=~/.pgpass dunlin node --module ./shop.so --store postgres://dunlin@db/shop

What the command line says counts before the file of --config, and that before the defaults.
SIGINT or SIGTERM stops the node cleanly: it refuses new calls and answers the running ones.
A second signal ends it at once.

A crash names the function that it happened in, on standard error, and ends the node as usual.

Exit codes: 0 stopped cleanly, even if functions that never returned had to be left (the log
names them), 2 usage or configuration, 4 the node could not start,
130 ended at once by a second signal, or by one before it served.)";

using runtime::setting;
using runtime::settings;

const std::map<std::string_view, const char*> group_titles{
    {"node", "Node"},       {"security", "Security"},
    {"cluster", "Cluster"}, {"threads", "Threads"},
    {"pools", "Functions"}, {"state", "State"},
    {"limits", "Limits"},   {"dedupe", "Calls that arrive again"},
    {"log", "Logging"},
};

/// The options as given, to be put over the file once it is read.
struct node_arguments {
    std::vector<std::pair<const setting*, CLI::Option*>> options;
    std::string config;
    bool print_config = false;
};

CLI::Option* add_setting(CLI::App& app, const setting& row) {
    const std::string flag(row.flag);
    const std::string help(row.help);
    if (std::holds_alternative<runtime::switch_field>(row.where)) return app.add_flag(flag, help);
    auto* option = app.add_option(flag, CLI::callback_t([](const auto&) { return true; }), help);
    option->type_name(std::string(row.placeholder))->default_str(runtime::as_text(settings{}, row));
    if (std::holds_alternative<runtime::list_field>(row.where))
        option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args();
    return option;
}

settings effective_settings(const node_arguments& given) {
    settings all;
    if (!given.config.empty())
        if (auto read = runtime::read_config_file(given.config, all); !read)
            throw usage_error(read.error().detail);
    for (const auto& [row, option] : given.options) {
        if (option->count() == 0) continue;
        if (auto put = runtime::assign(all, *row, option->results()); !put)
            throw usage_error(std::string(row->flag) + ": " + put.error().detail);
    }
    return all;
}

/// How long the end waits for a log that nobody reads.
constexpr std::chrono::milliseconds log_wait_max{500};

void announce(const runtime::node& node) {
    const auto functions = node.functions().size();
    const auto& place = node.state_place();
    std::printf("dunlin node ready: %s name=%s functions=%zu%s%s\n",
                node.endpoints().front().c_str(), node.name().c_str(), functions,
                place.empty() ? "" : " state=", place.c_str());
    std::fflush(stdout);
    std::clearerr(stdout);  // whether anybody reads this is not what the node is for
}

/// Every client and every other node takes descriptors. The limit that programs start with is low
/// for the sake of those that use select(), which nothing here does.
void allow_many_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
        runtime::log().warn("the limit on descriptors stays as it is",
                            {{"why", std::strerror(errno)}});
}

result<std::unique_ptr<runtime::node>> start(settings all) {
    set_up_logging(all.log);
    allow_many_descriptors();
    // Joining may take its time, and there is nothing yet that a clean stop would save.
    const exit_in_handler impatient;
    return runtime::node::start(std::move(all.node));
}

int serve_until(const signals& stop, runtime::node& node) {
    // The signals are read from a descriptor, so this is as if somebody had sent one.
    node.on_drain([] { ::kill(::getpid(), SIGTERM); });
    announce(node);
    stop.wait();
    const exit_at_signal impatient(stop);
    runtime::log().info("stopping; a second signal ends the node at once");
    const auto unfinished = node.stop();
    if (unfinished > 0)
        runtime::log().warn(
            "calls were answered in place of their functions, which did not end in time",
            {{"calls", unfinished}});
    // What still runs, its call answered or not, uses its module's globals: nothing may be torn
    // down under it.
    if (unfinished > 0 || node.left_running()) {
        flush_log(log_wait_max);
        std::_Exit(exit_code::success);
    }
    return exit_code::success;
}

int serve(settings all) {
    // A log or a ready line that nobody reads any more must not end the node.
    std::signal(SIGPIPE, SIG_IGN);
    fit_arenas_to_limit();
    report_crashes();
    const actors::code_thread main_thread;  // its stack may overflow, too
    bool started = false;
    try {
        const signals stop;
        auto node = start(std::move(all));
        if (!node) {
            flush_log(log_wait_max);
            complain(node.error().detail);
            return node.error().code == errc::invalid_argument ? exit_code::usage
                                                               : exit_code::not_started;
        }
        started = true;
        return serve_until(stop, **node);
    } catch (const std::exception& why) {
        if (started) throw;
        flush_log(log_wait_max);
        complain(std::string("the node cannot start: ") + why.what());
        return exit_code::not_started;
    }
}

}  // namespace

verb add_node(CLI::App& program) {
    auto* app = program.add_subcommand("node", description);
    app->footer(footer);
    auto given = std::make_shared<node_arguments>();
    for (const auto& row : runtime::all_settings()) {
        auto* option = add_setting(*app, row);
        option->group(group_titles.at(row.table));
        given->options.emplace_back(&row, option);
    }
    app->add_option("--config", given->config, "A TOML file with any of these options.")
        ->type_name("FILE")
        ->group("Configuration");
    app->add_flag("--print-config", given->print_config,
                  "Print what would hold, as such a file, and exit.")
        ->group("Configuration");
    return {app, [given] {
                auto all = effective_settings(*given);
                if (!given->print_config) {
                    const int code = serve(std::move(all));
                    flush_log(log_wait_max);  // once the node is gone, which logs, too
                    return code;
                }
                std::fputs(runtime::print_config(all).c_str(), stdout);
                return exit_code::success;
            }};
}

}  // namespace dunlin::program
