// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/state_verb.hpp"

#include "runtime/program/connection.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/progress.hpp"
#include "runtime/program/quantity_options.hpp"
#include "runtime/program/signals.hpp"
#include "runtime/program/state_lines.hpp"
#include "runtime/program/state_questions.hpp"
#include "runtime/program/state_spaces.hpp"
#include "runtime/program/text_table.hpp"
#include "runtime/text/json_payload.hpp"
#include "runtime/text/suggest.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Looks at the state that keyed functions keep, changes it, takes it out and in again.";

constexpr const char* footer = R"(Examples:
    dunlin state spaces
    dunlin state list visitors --prefix eu-
    dunlin state get visitors ann
    dunlin state set visitors ann '{"count": 3, "last_page": "/"}' --ttl 1h
    dunlin state expire visitors ann --ttl 10m
    dunlin state delete visitors ann
    dunlin state export visitors > visitors.jsonl
    dunlin state import visitors visitors.jsonl

spaces asks all living nodes, and has a line for each space and node; with --json what the asked
node says, and in "nodes" the same of all. A node that does not answer is named on standard error,
and in "unanswered". A key that may not call dunlin/nodes sees the node that answers alone.

A value is the JSON of the state's type (see dunlin state spaces --json for its schema), as
dunlin invoke writes payloads. What is done with a key is a turn like those of functions: it waits
for the turns before it, and a change is stored when the command ends. A value that the type of the
state cannot read is refused, and nothing changes.

export writes one JSON object a line: key, value, expires_ms (Unix time) where there is one; a key
that is no text is {"$bytes": base64}. It goes by the order of keys, so one that was cut short goes
on with --after and the last key that it wrote. Keys that change meanwhile are written as they are
when it comes to them. import sets each, and can be repeated; --skip leaves out lines that are in
already.

Exit codes: 0 success, 1 there is no such value, or the node refused, 2 usage, 3 no node reached,
130 interrupted; what has been done by then stays.)";

struct state_arguments {
    connection_options connection;
    std::string what;
    std::string space;
    std::string key;
    std::string value;
    std::string prefix;
    std::string after;
    std::chrono::nanoseconds ttl{0};
    std::size_t limit = 100;
    std::size_t skip = 0;
    bool json = false;

    [[nodiscard]] std::optional<std::chrono::milliseconds> lifetime() const {
        if (ttl == std::chrono::nanoseconds(0)) return {};
        return std::chrono::ceil<std::chrono::milliseconds>(ttl);
    }
};

int failed(const error& why) {
    complain(to_string(why));
    return exit_code::call_failed;
}

void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

std::string shown_key(const std::string& key) { return printable(key); }

int show_spaces(const state_arguments& given, client& entry) {
    const auto patience = std::chrono::ceil<std::chrono::milliseconds>(given.connection.timeout);
    const auto all = ask_spaces(entry, patience, given.connection.keys);
    for (const auto& [name, why] : all.silent) complain("node " + name + ": " + to_string(why));
    if (all.nodes.empty()) return exit_code::call_failed;
    print(given.json ? spaces_json(all) : spaces_table(all));
    return exit_code::success;
}

int list(const state_arguments& given, state_questions& of) {
    const auto keys = of.list(given.prefix, given.after, given.limit);
    if (!keys) return failed(keys.error());
    if (given.json) {
        print(keys_json(*keys));
        return exit_code::success;
    }
    std::vector<table_row> rows{{"KEY", "BYTES", "VERSION", "EXPIRES"}};
    for (const auto& each : *keys)
        rows.push_back({shown_key(each.key), grouped(each.value_bytes),
                        std::to_string(each.version), expiry_text(each.expires_ms)});
    constexpr std::array columns{align::left, align::right, align::right, align::left};
    print(laid_out(rows, columns));
    if (keys->size() == given.limit)
        complain("there may be more; go on with --after '" + shown_key(keys->back().key) + "'");
    return exit_code::success;
}

int no_value(const state_arguments& given) {
    complain("there is no value under key " + given.key + " of space " + given.space);
    return exit_code::call_failed;
}

int get(const state_arguments& given, state_questions& of) {
    const auto found = of.get(given.key);
    if (!found) return failed(found.error());
    if (!found->present) return no_value(given);
    if (given.json) {
        print(line_of(given.key, *found));
        return exit_code::success;
    }
    const auto text =
        runtime::json_from_payload(found->encoded.view(), runtime::json_layout::indented);
    if (!text) return failed(text.error());
    print(*text + "\n");
    return exit_code::success;
}

int change(const state_arguments& given, state_questions& of) {
    result<state_value> before = error{};
    if (given.what == "set") {
        const auto value = runtime::payload_from_json(given.value);
        if (!value) throw usage_error("VALUE: " + value.error().detail);
        before = of.set(given.key, value->view(), given.lifetime());
    } else if (given.what == "delete") {
        before = of.erase(given.key);
    } else {
        before = of.expire(given.key, given.lifetime());
    }
    if (!before) return failed(before.error());
    if (!before->present && given.what != "set") return no_value(given);
    return exit_code::success;
}

int export_all(const state_arguments& given, state_questions& of) {
    constexpr std::size_t page = 500;
    progress shown(results_go::to_standard_output);
    std::size_t written = 0;
    for (auto after = given.after;;) {
        const auto keys = of.list(given.prefix, after, page);
        if (!keys) return failed(keys.error());
        for (const auto& each : *keys) {
            const auto found = of.get(each.key);
            if (!found) {
                complain("went as far as key " + shown_key(after) + "; go on with --after");
                return failed(found.error());
            }
            after = each.key;
            if (!found->present) continue;  // it has been deleted since
            const auto line = line_of(each.key, *found);
            if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size()) {
                complain("cannot write the output");
                return exit_code::call_failed;
            }
            if (++written % page == 0 && shown.due())
                shown.show(grouped(written) + " values, " + shown_key(each.key));
        }
        if (keys->size() < page) break;
    }
    std::fflush(stdout);
    return exit_code::success;
}

int import_all(const state_arguments& given, state_questions& of) {
    std::ifstream file;
    if (given.key != "-" && !given.key.empty()) {
        file.open(given.key);
        if (!file) throw usage_error("cannot read " + given.key);
    }
    std::istream& from = file.is_open() ? file : std::cin;
    progress shown(results_go::nowhere);
    std::size_t number = 0;
    std::size_t set = 0;
    const auto stopped = [&](const std::string& why) {
        complain("line " + std::to_string(number) + ": " + why + "; " + std::to_string(set) +
                 " values are in; go on with --skip " + std::to_string(number - 1));
        return exit_code::call_failed;
    };
    for (std::string line; std::getline(from, line);) {
        ++number;
        if (number <= given.skip || line.empty()) continue;
        // A line without an end is one that was cut short, however well it reads.
        if (from.eof()) return stopped("it has no line end: the file was cut short");
        const auto read = read_line(line);
        if (!read) return stopped(read.error().detail);
        const auto ttl = read->lifetime();
        if (ttl && ttl->count() <= 0) continue;  // it has expired
        const auto done = of.set(read->key, read->value.view(), ttl);
        if (!done) return stopped(to_string(done.error()));
        ++set;
        if (shown.due()) shown.show(grouped(set) + " values");
    }
    shown.clear();
    print(grouped(set) + " values set in space " + given.space + "\n");
    return exit_code::success;
}

using action = int (*)(const state_arguments&, state_questions&);
struct named_action {
    const char* name;
    action run;  // null: asks all nodes, and about no space
    int words;   // that it takes behind its name
};
constexpr named_action actions[] = {
    {"spaces", nullptr, 0},     {"list", &list, 1},         {"get", &get, 2},
    {"set", &change, 3},        {"delete", &change, 2},     {"expire", &change, 2},
    {"export", &export_all, 1}, {"import", &import_all, 1},
};

const named_action& action_of(const state_arguments& given) {
    std::vector<std::string> names;
    for (const auto& each : actions) {
        names.emplace_back(each.name);
        if (given.what != each.name) continue;
        const int words = (given.space.empty() ? 0 : 1) + (given.key.empty() ? 0 : 1) +
                          (given.value.empty() ? 0 : 1);
        const bool takes_file = given.what == "import" && words == 2;
        if (words != each.words && !takes_file)
            throw usage_error("dunlin state " + given.what + " takes " +
                              (each.words == 0   ? "nothing more"
                               : each.words == 1 ? "SPACE"
                               : each.words == 2 ? "SPACE KEY"
                                                 : "SPACE KEY VALUE") +
                              "; see dunlin state --help");
        return each;
    }
    const auto hint = runtime::did_you_mean(given.what, names);
    throw usage_error("no action '" + given.what + "'" +
                      (hint.empty() ? "; there are spaces, list, get, set, delete, expire, export "
                                      "and import"
                                    : hint));
}

int run(const state_arguments& given) {
    const auto& what = action_of(given);
    const signals stop;
    auto to = connect(given.connection, stop);
    if (!to.client) return to.exit_code;
    const exit_at_signal meanwhile(stop);
    if (what.run == nullptr) return show_spaces(given, *to.client);
    state_questions of(*to.client, given.space, [&](std::vector<std::string> endpoints) {
        auto options = one_node(
            std::move(endpoints),
            std::chrono::duration_cast<std::chrono::milliseconds>(given.connection.timeout),
            given.connection.keys);
        return client::connect(std::move(options));
    });
    return what.run(given, of);
}

}  // namespace

verb add_state(CLI::App& program) {
    auto* app = program.add_subcommand("state", description);
    app->footer(footer);
    auto given = std::make_shared<state_arguments>();
    app->add_option("ACTION", given->what,
                    "spaces, list, get, set, delete, expire, export or import.")
        ->required();
    app->add_option("SPACE", given->space, "The space, as its functions name it.");
    app->add_option("KEY", given->key, "The key; of import a file, \"-\" for standard input.");
    app->add_option("VALUE", given->value, "The value, as JSON.");
    app->add_option("--prefix", given->prefix, "Of list and export: keys that begin with this.")
        ->type_name("TEXT");
    app->add_option("--after", given->after, "Of list and export: keys after this one.")
        ->type_name("KEY");
    add_count(*app, "--limit", given->limit, "Of list: so many keys at most.", {1, 1000});
    add_count(*app, "--skip", given->skip, "Of import: leave out so many lines.",
              {0, std::size_t{1} << 40});
    add_duration(*app, "--ttl", given->ttl,
                 "Of set and expire: the value ends so long from now. Without: never.")
        ->default_str("");
    app->add_flag("--json", given->json, "Print JSON.")->group("Output");
    add_connection_options(*app, given->connection);
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
