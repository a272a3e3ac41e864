// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/explain_verb.hpp"

#include "runtime/program/connection.hpp"
#include "runtime/program/decision_text.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/explain_poll.hpp"
#include "runtime/program/quantity_options.hpp"
#include "runtime/program/signals.hpp"
#include "runtime/program/text_table.hpp"
#include "runtime/text/quantity.hpp"
#include "runtime/text/suggest.hpp"

#include <CLI/CLI.hpp>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Tells why: the latest decisions of a cluster's nodes, to start and retire activations, to "
    "widen and fold functions over nodes, to refuse and shed calls, and to set what was asked for.";

constexpr const char* footer = R"(Examples:
    dunlin explain
    dunlin explain text/count_words
    dunlin explain text/count_words --record n1/1234
    dunlin explain --follow
    dunlin explain --limit 1000 --json | jq '.[] | select(.kind == "refuse")'

Every living node is asked, and what they say is put together by time. The error of a refused call
ends with the command that shows the decision. Decisions of one kind, by one rule and about one
function are told together if they come within a second, with the figures of the last of them. Each
node keeps its latest 4,096 records, numbered from 1 when it starts.

With --follow a decision is shown when its second is over, until Ctrl-C ends it. With --json a
record is an object with all that is known; there is an array of them, and with --follow one object
a line. A key that may not call dunlin/nodes sees the node that answers alone. A node that does not
answer is named on standard error, and the others are shown.

Exit codes: 0 success, also when nothing was decided, and when the reader of --follow is gone, 1 no
node answered the question, or there is no such function or record, 2 usage, 3 no node reached, 130
interrupted.)";

/// From one look of --follow to the next.
constexpr int look_again_ms = 500;
constexpr std::size_t limit_max = 1000;

struct explain_arguments {
    connection_options connection;
    std::string function;
    std::string record;
    std::size_t limit = 20;
    bool follow = false;
    bool json = false;
};

/// "1234", or "n1/1234" as errors name it. Names of nodes may hold a slash.
struct record_name {
    std::string node;  // empty: of any
    std::uint64_t number = 0;
};

record_name read_record_name(const std::string& text) {
    const auto slash = text.rfind('/');
    const bool bare = slash == std::string::npos;
    const auto number = runtime::parse_count(bare ? text : text.substr(slash + 1));
    if (!number || *number == 0 || slash == 0)
        throw usage_error("--record: '" + text +
                          "' is no record; write its number, or node and number as in n1/1234");
    return {bare ? "" : text.substr(0, slash), *number};
}

std::int64_t now_us() {
    return std::chrono::system_clock::now().time_since_epoch() / std::chrono::microseconds(1);
}

std::string sentences(const std::vector<json>& records) {
    std::string text;
    const auto now = now_us();
    for (const auto& each : records) text += decision_sentence(each, now);
    return text;
}

std::string objects(const std::vector<json>& records) {
    std::string text;
    for (const auto& each : records)
        text += each.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    return text;
}

void say_problems(const told_decisions& told) {
    for (const auto& each : told.problems) complain(each);
}

int no_such_function(explain_poll& nodes, const std::string& name) {
    const auto known = nodes.functions();
    const auto hint = runtime::did_you_mean(name, known);
    complain("no node that answers serves a function " + name +
             (hint.empty() ? "; `dunlin functions` lists those there are" : hint));
    return exit_code::call_failed;
}

/// @returns whether somebody answered; otherwise it has been said.
bool somebody_answered(const result<told_decisions>& told) {
    if (!told) {
        complain(to_string(told.error()));
        return false;
    }
    say_problems(*told);
    if (told->answers == 0 && told->problems.empty()) complain("no node answers any more");
    return told->answers > 0;
}

bool is_unknown(const explain_arguments& given, const told_decisions& told) {
    return !given.function.empty() && !told.known;
}

void show(const explain_arguments& given, const std::vector<json>& records) {
    const auto text = given.json ? lines_of(json(records)) : sentences(records);
    std::fputs(text.c_str(), stdout);
}

int show_newest(const explain_arguments& given, explain_poll& nodes) {
    const auto told = nodes.newest(given.limit);
    if (!somebody_answered(told)) return exit_code::call_failed;
    if (is_unknown(given, *told)) return no_such_function(nodes, given.function);
    show(given, told->records);
    if (told->records.empty() && !given.json) {
        const auto about = given.function.empty() ? "" : " about " + printable(given.function);
        std::fputs(("nothing has been decided" + about + " so far\n").c_str(), stdout);
    }
    return exit_code::success;
}

int show_record(const explain_arguments& given, explain_poll& nodes, const record_name& which) {
    auto told = nodes.numbered(which.number, which.node);
    const auto name =
        std::to_string(which.number) + (which.node.empty() ? "" : " of " + which.node);
    if (told && told->answers == 0 && told->problems.empty() && !which.node.empty()) {
        complain("no living node is called " + which.node + "; `dunlin nodes` lists them");
        return exit_code::call_failed;
    }
    if (!somebody_answered(told)) return exit_code::call_failed;
    std::string other;
    if (!given.function.empty())
        std::erase_if(told->records, [&](const json& each) {
            const auto about = text_in(each, "function");
            if (about != given.function) other = about;
            return about != given.function;
        });
    if (!told->records.empty()) {
        show(given, told->records);
        return exit_code::success;
    }
    complain(other.empty() ? "no record " + name + ": a node keeps its latest " +
                                 std::to_string(told->kept_max) +
                                 " records, and numbers them from 1 when it starts"
                           : "record " + name + " is about " + other + ", not " + given.function +
                                 ": a node that is started again numbers its records anew");
    return exit_code::call_failed;
}

enum class written { all, to_nobody, not_all };

// Past the buffers of stdio: what is shown is shown, and a signal cuts no line that is in a buffer.
written write_out(std::string_view text) {
    while (!text.empty()) {
        const auto size = ::write(STDOUT_FILENO, text.data(), text.size());
        if (size >= 0) {
            text.remove_prefix(static_cast<std::size_t>(size));
        } else if (errno == EAGAIN) {  // whoever gave us this pipe wants it so
            pollfd room{STDOUT_FILENO, POLLOUT, 0};
            (void)::poll(&room, 1, -1);
        } else if (errno != EINTR) {
            if (errno == EPIPE) return written::to_nobody;
            complain(std::string("cannot write the output: ") + std::strerror(errno));
            return written::not_all;
        }
    }
    return written::all;
}

/// Until it is time for another look. @returns false when nobody reads the output any more, which
/// would otherwise be found out with the next decision only.
bool wait_for_reader() {
    pollfd output{STDOUT_FILENO, 0, 0};
    return ::poll(&output, 1, look_again_ms) <= 0;
}

// A signal ends the process on a thread of its own, also while a write waits for a slow reader.
int follow(const explain_arguments& given, explain_poll& nodes) {
    std::signal(SIGPIPE, SIG_IGN);
    for (bool first = true;; first = false) {
        const auto told = nodes.next(given.limit);
        if (!somebody_answered(told)) return exit_code::call_failed;
        if (first && is_unknown(given, *told)) return no_such_function(nodes, given.function);
        switch (write_out(given.json ? objects(told->records) : sentences(told->records))) {
            case written::all: break;
            case written::to_nobody: return exit_code::success;
            case written::not_all: return exit_code::call_failed;
        }
        if (!wait_for_reader()) return exit_code::success;
    }
}

int run(const explain_arguments& given) {
    const bool one = !given.record.empty();
    const auto which = one ? read_record_name(given.record) : record_name{};
    if (one && given.follow) throw usage_error("--record and --follow exclude each other");
    const signals stop;
    auto to = connect(given.connection, stop);
    if (!to.client) return to.exit_code;
    const exit_at_signal meanwhile(stop);
    const auto patience = std::chrono::ceil<std::chrono::milliseconds>(given.connection.timeout);
    explain_poll nodes(std::move(*to.client), patience, given.connection.keys, given.function);
    if (one) return show_record(given, nodes, which);
    return given.follow ? follow(given, nodes) : show_newest(given, nodes);
}

}  // namespace

verb add_explain(CLI::App& program) {
    auto* app = program.add_subcommand("explain", description);
    app->footer(footer);
    auto given = std::make_shared<explain_arguments>();
    app->add_option("FUNCTION", given->function, "Only what was decided about this one.");
    app->add_option("--record", given->record,
                    "Only the record of this number, as the error of a refused call names it.")
        ->type_name("[NODE/]NUMBER");
    app->add_flag("--follow", given->follow, "Go on with what is decided from now on.")
        ->group("Output");
    add_count(*app, "--limit", given->limit, "Show so many of the latest.", {1, limit_max})
        ->group("Output");
    app->add_flag("--json", given->json, "Print records as JSON, with all that is known.")
        ->group("Output");
    given->connection.timeout = std::chrono::seconds(2);
    add_connection_options(*app, given->connection,
                           "How long a node may take to answer; then it is left out.");
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
