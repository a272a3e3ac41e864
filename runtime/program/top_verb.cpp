// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_verb.hpp"

#include "runtime/program/cluster_poll.hpp"
#include "runtime/program/connection.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/quantity_options.hpp"
#include "runtime/program/signals.hpp"
#include "runtime/program/terminal.hpp"
#include "runtime/program/text_table.hpp"
#include "runtime/program/top_model.hpp"
#include "runtime/program/top_view.hpp"

#include <CLI/CLI.hpp>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Shows what goes on in a cluster, as it goes on: its nodes and functions, with rates, "
    "latencies and queues.";

constexpr const char* footer = R"(Examples:
    dunlin top
    dunlin top --filter text/
    dunlin top --interval 5s --node tcp://10.0.0.5:7440
    dunlin top --once
    dunlin top --once --json | jq '.functions[] | select(.queue_depth > 0)'

Every living node is asked each interval. The calls of a node are those that its functions ran, so
a call that was forwarded counts where it ran. The latencies of a function are those of the last
interval over all nodes, from its node's taking a call to its answer; they are at most a quarter too
high. ACTORS are those of all nodes now, and STARTS/S how many of them came in the last interval:
where that stays above zero, calls wait for starts again and again. On a terminal the view stays in
its place; arrows or 'j' and 'k', page keys or space and 'b' scroll through the functions, 'g' goes
back to the top, 'i' leaves out those that nobody calls and brings them back, 'q' or Ctrl-C ends it.
Elsewhere one block of text follows the other. With --json each interval is one object on one line,
which also has the rates at which actors end, and of the calls that paid for a start.

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

/// The rounds of questions, on a thread of their own: a node that hangs holds up a round, and never
/// a key or a signal. They begin one interval apart; one that takes longer delays the next.
class rounds {
public:
    rounds(cluster_poll poll, std::chrono::milliseconds interval)
        : poll_(std::move(poll)),
          ready_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (ready_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
        thread_ =
            std::jthread([this, interval](const std::stop_token& stop) { run(stop, interval); });
    }
    ~rounds() {
        thread_ = {};
        ::close(ready_);
    }
    rounds(const rounds&) = delete;
    rounds& operator=(const rounds&) = delete;

    /// Readable when there is a result.
    [[nodiscard]] int ready_fd() const noexcept { return ready_; }
    /// The last result, unless it has been taken.
    [[nodiscard]] std::optional<result<observation>> take() {
        std::uint64_t count = 0;
        (void)!::read(ready_, &count, sizeof count);
        const std::lock_guard lock(mutex_);
        return std::exchange(last_, std::nullopt);
    }

private:
    void run(const std::stop_token& stop, std::chrono::milliseconds interval) {
        auto next = std::chrono::steady_clock::now();
        while (!stop.stop_requested()) {
            std::optional<result<observation>> seen;
            try {
                seen = poll_.round();
            } catch (const std::exception& why) {  // no memory, no thread
                seen = error{errc::internal, why.what()};
            }
            std::unique_lock lock(mutex_);
            last_ = std::move(seen);
            const std::uint64_t one = 1;
            (void)!::write(ready_, &one, sizeof one);
            next = std::max(next + interval, std::chrono::steady_clock::now());
            stopped_.wait_until(lock, stop, next, [] { return false; });
        }
    }

    cluster_poll poll_;  // of the thread
    int ready_;
    std::mutex mutex_;
    std::condition_variable_any stopped_;
    std::optional<result<observation>> last_;
    std::jthread thread_;
};

enum class event { result, look, keys, quit, interrupted };

/// How often a terminal is asked for its size.
constexpr int look_ms = 100;

/// The next of what can happen; `screen` may be none.
event wait(const signals& stop, const rounds& answers, const terminal* screen) {
    std::array<pollfd, 3> sources{{{stop.fd(), POLLIN, 0},
                                   {answers.ready_fd(), POLLIN, 0},
                                   {screen != nullptr ? screen->keys_fd() : -1, POLLIN, 0}}};
    if (::poll(sources.data(), sources.size(), screen != nullptr ? look_ms : -1) <= 0)
        return event::look;
    if (sources[0].revents != 0) return event::interrupted;
    // A terminal that is gone gives no more keys, and reading it returns at once.
    if ((sources[2].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return event::quit;
    return sources[2].revents != 0 ? event::keys : event::result;
}

// On a terminal: until a key or a signal ends it. What went wrong may go right again.
int draw(const top_arguments& given, const signals& stop, rounds& answers) {
    terminal screen;
    top_scroll scroll(given.filter);
    top_history history;
    top_model model;
    std::string said = "asking the nodes";
    for (auto shown = terminal::size();; shown = terminal::size()) {
        screen.show(top_text(scroll.apply(model), shown, said));
        auto next = event::look;
        while (next == event::look && terminal::size() == shown)
            next = wait(stop, answers, &screen);
        switch (next) {
            case event::interrupted: return exit_code::interrupted;
            case event::quit: return exit_code::success;
            case event::look: break;
            case event::keys:
                if (scroll.press(screen.pressed())) return exit_code::success;
                break;
            case event::result:
                auto seen = answers.take();
                if (!seen) break;
                if (*seen) model = history.add(**seen);
                said = *seen ? hint : printable(to_string(seen->error()));
        }
    }
}

int print(const top_arguments& given, const signals& stop, rounds& answers) {
    const top_scroll shown(given.filter);
    top_history history;
    bool first = true;
    for (;;) {
        const auto next = wait(stop, answers, nullptr);
        if (next == event::interrupted) return exit_code::interrupted;
        const auto seen = answers.take();
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
    rounds answers(cluster_poll(std::move(*to.client), patience, given.connection.keys),
                   given.interval);
    if (!given.once && !given.json && terminal::present()) return draw(given, stop, answers);
    return print(given, stop, answers);
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
