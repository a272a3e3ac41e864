// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_verb.hpp"

#include "runtime/program/connection.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/quantity_options.hpp"
#include "runtime/program/signals.hpp"
#include "runtime/program/terminal.hpp"
#include "runtime/program/text_table.hpp"
#include "runtime/program/top_model.hpp"
#include "runtime/program/top_rounds.hpp"
#include "runtime/program/top_scroll.hpp"
#include "runtime/program/top_view.hpp"

#include <CLI/CLI.hpp>
#include <poll.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Shows what goes on in a cluster, as it goes on: its nodes and functions, with rates, "
    "latencies "
    "and queues.";

constexpr const char* footer = R"(Examples:
    dunlin top
    dunlin top --filter text/
    dunlin top --interval 5s --node tcp://10.0.0.5:7440
    dunlin top --once
    dunlin top --once --json | jq '.functions[] | select(.queue_depth > 0)'

Every living node is asked each interval. The calls of a node are those that its functions ran, so
a call that was forwarded counts where it ran. The latencies of a function are those of the last
interval over all nodes, from its node's taking a call to its answer; they are at most a quarter too
high. On a terminal the view stays in its place; arrows or 'j' and 'k', page keys or space and 'b'
scroll through the functions, 'g' goes back to the top, 'i' leaves out those that nobody calls and
brings them back, 'q' or Ctrl-C ends it. Elsewhere one block of text follows the other. With --json
each interval is one object on one line.

Exit codes: 0 success or ended by 'q', 1 no node answered any more, 2 usage, 3 no node reached,
130 interrupted.)";

constexpr const char* hint = "j k scroll, i idle, q quits";

struct top_arguments {
    connection_options connection;
    std::chrono::milliseconds interval = std::chrono::seconds(1);
    std::string filter;
    bool once = false;
    bool json = false;
};

enum class event { result, resized, keys, quit, interrupted };

// The next of what can happen; `screen` may be none.
event wait(const signals& stop, const top_rounds& rounds, terminal* screen) {
    for (;;) {
        std::array<pollfd, 4> sources{{{stop.fd(), POLLIN, 0},
                                       {rounds.ready_fd(), POLLIN, 0},
                                       {screen != nullptr ? screen->resized_fd() : -1, POLLIN, 0},
                                       {screen != nullptr ? screen->keys_fd() : -1, POLLIN, 0}}};
        if (::poll(sources.data(), sources.size(), -1) < 0) continue;
        if (sources[0].revents != 0) return event::interrupted;
        // A terminal that is gone gives no more keys, and reading it returns at once.
        if ((sources[3].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return event::quit;
        if (sources[3].revents != 0) return event::keys;
        if (sources[2].revents != 0) {
            screen->resized_seen();
            return event::resized;
        }
        if (sources[1].revents != 0) return event::result;
    }
}

// On a terminal: until a key or a signal ends it. What went wrong may go right again.
int draw(const top_arguments& given, const signals& stop, top_rounds& rounds) {
    terminal screen;
    top_scroll scroll(given.filter);
    top_history history;
    top_model model;
    std::string said = "asking the nodes";
    for (;;) {
        screen.show(top_text(scroll.apply(model), terminal::size(), said));
        switch (wait(stop, rounds, &screen)) {
            case event::interrupted: return exit_code::interrupted;
            case event::quit: return exit_code::success;
            case event::resized: break;
            case event::keys:
                if (scroll.press(screen.pressed())) return exit_code::success;
                break;
            case event::result:
                auto seen = rounds.take();
                if (!seen) break;
                if (*seen) model = history.add(**seen);
                said = *seen ? hint : printable(to_string(seen->error()));
        }
    }
}

int print(const top_arguments& given, const signals& stop, top_rounds& rounds) {
    const top_scroll shown(given.filter);
    top_history history;
    bool first = true;
    for (;;) {
        if (wait(stop, rounds, nullptr) != event::result) return exit_code::interrupted;
        const auto seen = rounds.take();
        if (!seen) continue;
        if (!*seen) {
            complain(to_string(seen->error()));
            return exit_code::call_failed;
        }
        const auto model = shown.apply(history.add(**seen));
        // One moment says nothing of rates.
        if (std::exchange(first, false)) continue;
        std::fputs((given.json ? top_json(model) : top_text(model, {})).c_str(), stdout);
        if (given.once) return exit_code::success;
        if (!given.json) std::fputs("\n", stdout);
        if (std::fflush(stdout) != 0) {
            complain("cannot write the output");
            return exit_code::call_failed;
        }
    }
}

int run(const top_arguments& given) {
    const signals stop;
    auto to = connect(given.connection, stop);
    if (!to.client) return to.exit_code;
    const auto patience = std::chrono::ceil<std::chrono::milliseconds>(given.connection.timeout);
    top_rounds rounds(cluster_poll(std::move(*to.client), patience, given.connection.keys),
                      given.interval);
    if (!given.once && !given.json && terminal::present()) return draw(given, stop, rounds);
    return print(given, stop, rounds);
}

}  // namespace

verb add_top(CLI::App& program) {
    auto* app = program.add_subcommand("top", description);
    app->footer(footer);
    auto given = std::make_shared<top_arguments>();
    add_duration(*app, "--interval", given->interval, "Time from one look to the next.")
        ->group("Output");
    app->add_option("--filter", given->filter,
                    "Only functions whose name holds this text, such as bench/.")
        ->type_name("TEXT")
        ->group("Output");
    app->add_flag("--once", given->once, "Look twice, one interval apart, print, and end.")
        ->group("Output");
    app->add_flag("--json", given->json, "Print one JSON object for each interval.")
        ->group("Output");
    given->connection.timeout = std::chrono::seconds(1);
    add_connection_options(*app, given->connection,
                           "How long a node may take to answer; then it is shown without.");
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
