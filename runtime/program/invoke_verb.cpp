// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/invoke_verb.hpp"

#include "runtime/program/connection.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/invoke_lines.hpp"
#include "runtime/program/ordered_calls.hpp"
#include "runtime/program/outcome_text.hpp"
#include "runtime/program/quantity_options.hpp"
#include "runtime/program/signals.hpp"
#include "runtime/text/json_payload.hpp"
#include "wire/envelope.hpp"

#include <CLI/CLI.hpp>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Calls a function and prints its result. The input is JSON, and so is the result.";

constexpr const char* footer = R"(Examples:
    dunlin invoke text/count_words '{"url": "a", "text": "one two"}'
    date +%s | dunlin invoke bench/echo -
    dunlin invoke text/count_words --lines pages.jsonl --window 512 > counts.jsonl
    dunlin invoke bench/echo '{"$bytes": "3q2+7w=="}' --raw | xxd

Bytes, which JSON does not have, are an object with the one key "$bytes" and base64 in it, in the
input and in the result. A map whose keys are no text, such as numbers, is given as an object with
the one key "$map" and pairs in it: {"$map": [[1, "one"], [2, "two"]]}. Without an input the
function gets nil (null). In a result, a number that JSON does not have (NaN, infinity) is null, and
an extension {"$extension": 5, "$bytes": ...}.

With --lines every line of the file is one input. Results are printed in the order of the inputs,
one line each; a call that fails prints {"line": 3, "error": {"code": ..., "detail": ...}} in its
place, and the others go on. A call for which the node has no room (overloaded) is made again when
there should be some, for as long as --timeout says. A terminal that does not get the results is
shown the progress.

Each call carries a trace context. Its id stands in the log of every node that worked for the call,
in the lines of its functions (request=...), and in the error here when it fails.

Exit codes: 0 success, 1 the call (with --lines: at least one) failed, 2 usage or input,
3 no node reached, 130 interrupted; what was in flight has been cancelled.)";

struct invoke_arguments {
    connection_options connection;
    std::string function;
    std::optional<std::string> input;
    std::string key;
    std::string trace;
    std::string lines;
    std::size_t window = 256;
    bool json = false;
    bool raw = false;
};

output_form form_of(const invoke_arguments& given) {
    if (given.json) return output_form::envelope;
    return given.raw ? output_form::raw : output_form::value;
}

// A word without quotes is meant as text.
std::string hint_for_text(const std::string& given) {
    constexpr std::size_t shown_max = 40;
    const bool bare = given != "-" && given.find_first_of("\"{}[]") == std::string::npos;
    if (!bare || given.size() > shown_max) return "";
    return "; for text write '\"" + given + "\"', with both quotes";
}

any_value read_input(const std::optional<std::string>& given) {
    if (!given) return {encode(nullptr)};
    // Mostly a variable of a script that is not set.
    if (given->empty())
        throw usage_error("the input is empty; leave it out, or give null, for none");
    auto payload =
        *given == "-"
            ? runtime::payload_from_json(std::string(std::istreambuf_iterator<char>(std::cin), {}))
            : runtime::payload_from_json(*given);
    if (!payload) throw usage_error("the input: " + payload.error().detail + hint_for_text(*given));
    return {std::move(*payload)};
}

// Waits for the one outcome. False when a signal came first; the call is withdrawn then.
bool wait_for_outcome(ordered_calls& calls, signals& stop, ordered_calls::outcome& outcome) {
    std::optional<exit_at_signal> impatient;
    while (!calls.take(outcome)) {
        std::array<pollfd, 2> sources{
            {{calls.fd(), POLLIN, 0}, {impatient ? -1 : stop.fd(), POLLIN, 0}}};
        if (calls.prepare_wait()) ::poll(sources.data(), sources.size(), -1);
        calls.end_wait();
        if (sources[1].revents == 0) continue;
        stop.wait();
        impatient.emplace(stop);
        calls.cancel();
    }
    return !impatient;
}

int print(const invoke_arguments& given, const ordered_calls::outcome& of) {
    const auto form = form_of(given);
    const bool for_a_person = ::isatty(STDOUT_FILENO) == 1 && !given.json;
    const auto layout =
        for_a_person ? runtime::json_layout::indented : runtime::json_layout::one_line;
    auto text = of.reply ? print_value(*of.reply, form, layout, of.info)
                         : result<std::string>(of.reply.error());
    if (!text) {
        complain(error_sentence(text.error(), of.trace));
        if (given.json) std::puts(print_error(text.error(), of.trace).c_str());
        return exit_code::call_failed;
    }
    if (!given.raw) *text += '\n';
    const bool written = std::fwrite(text->data(), 1, text->size(), stdout) == text->size();
    if (written && std::fflush(stdout) == 0) return exit_code::success;
    complain("cannot write the result");
    return exit_code::call_failed;
}

int not_reached(const invoke_arguments& given, const connection& tried) {
    if (given.json) std::puts(print_error(tried.why).c_str());
    return tried.exit_code;
}

int invoke_one(const invoke_arguments& given) {
    const auto input = read_input(given.input);
    signals stop;
    auto to = connect(given.connection, stop);
    if (!to.client) return not_reached(given, to);
    ordered_calls calls(*to.client, given.function, given.key, call_traces(given.trace), 1);
    calls.start(0, input);
    ordered_calls::outcome outcome;
    if (wait_for_outcome(calls, stop, outcome)) return print(given, outcome);
    complain("interrupted; the call was cancelled");
    return exit_code::interrupted;
}

int run(invoke_arguments& given) {
    if (given.function.find('/') == std::string::npos)
        throw usage_error("'" + given.function +
                          "' is no function's name; it is written MODULE/FUNCTION, and dunlin "
                          "functions lists them");
    if (given.key.size() > wire::name_bytes_max)
        throw usage_error("--key has " + std::to_string(given.key.size()) + " bytes, the most is " +
                          std::to_string(wire::name_bytes_max));
    if (!given.trace.empty()) check_trace(given.trace);
    // What a node says of itself is asked of the one that is named.
    given.connection.learn_members = !given.function.starts_with("dunlin/");
    if (given.json && given.raw) throw usage_error("--json and --raw exclude each other");
    if (given.lines.empty()) return invoke_one(given);

    if (given.input) throw usage_error("give an input or --lines, not both");
    auto input = line_reader::open(given.lines);
    if (!input) throw usage_error(input.error().detail);
    given.connection.in_flight_max = given.window;
    signals stop;
    auto to = connect(given.connection, stop);
    if (!to.client) return not_reached(given, to);
    return invoke_lines(*to.client, std::move(*input), stop,
                        {given.function, given.key, given.trace, given.window, form_of(given),
                         given.connection.timeout});
}

}  // namespace

verb add_invoke(CLI::App& program) {
    auto* app = program.add_subcommand("invoke", description);
    app->footer(footer);
    auto given = std::make_shared<invoke_arguments>();
    app->add_option("FUNCTION", given->function,
                    "The function's full name, as in text/count_words.")
        ->required();
    app->add_option("JSON", given->input, "The input, or - to read it from standard input.");
    app->add_option("--key", given->key,
                    "Partition key, handed to the function; at most 255 bytes.");
    app->add_option(
           "--trace", given->trace,
           "W3C trace context of the call, as in 00-4bf9...4736-00f0...02b7-01, instead of "
           "a new one.")
        ->type_name("TRACEPARENT");
    app->add_option("--lines", given->lines,
                    "Call the function once for every line of this file; - is standard input.")
        ->type_name("FILE")
        ->group("Streams");
    add_count(*app, "--window", given->window, "With --lines: calls in flight.", {1, 65536})
        ->needs("--lines")
        ->group("Streams");
    app->add_flag(
           "--json", given->json,
           "Print an object with \"value\" or \"error\" on standard output, also when no node "
           "is reached; beside a value, whether the call paid for a cold start.")
        ->group("Output");
    app->add_flag("--raw", given->raw,
                  "Print text and bytes as they are, without quotes, and no line end after them.")
        ->group("Output");
    add_connection_options(*app, given->connection);
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
