// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/scale_verb.hpp"

#include "runtime/config/scale_fields.hpp"
#include "runtime/program/any_value.hpp"
#include "runtime/program/ask_members.hpp"
#include "runtime/program/connection.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/program/member_list.hpp"
#include "runtime/program/scale_report.hpp"
#include "runtime/program/signals.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Shows how a function is scaled on each node of a cluster and by whom, or changes that.";

constexpr const char* footer = R"(Examples:
    dunlin scale text/count_words
    dunlin scale text/count_words --min 2 --max 64
    dunlin scale text/count_words --target-wait 20ms --priority low --weight 3
    dunlin scale text/count_words --reset

Without a setting nothing changes: each node's settings are shown, and where each comes from: the
function's author, the node's --activations, its file, this command, or the default. With settings
every living node is told, each decides for itself, and what changes is shown. They are put over
what this command said before, and last as long as the node's process: the next start reads the
file again. --reset takes back all that this command has said.

A node that does not serve the function is said to be so. One that refuses, drains, or does not
answer within --timeout is named on standard error, and the others are set all the same; then the
command can be repeated, for setting the same again changes nothing.

Exit codes: 0 success, 1 a node refused or did not answer, or none serves the function, 2 usage,
3 no node reached, 130 interrupted; nodes that were told by then stay so.)";

struct scale_arguments {
    connection_options connection;
    std::string function;
    actors::scale_wishes wishes;
    bool reset = false;
    bool json = false;

    [[nodiscard]] bool changes() const { return reset || !runtime::says_nothing(wishes); }
};

int failed(const std::string& why) {
    complain(why);
    return exit_code::call_failed;
}

any_value question_of(const scale_arguments& given) {
    json input = {{"function", given.function}};
    if (given.reset) input["reset"] = true;
    for (const auto& row : runtime::scale_rows()) {
        const auto number = number_of(given.wishes, row.field);
        if (!number) continue;
        if (row.kind == runtime::scale_kind::choice)
            input[std::string(row.wire)] = std::string(runtime::priority_name(*number));
        else
            input[std::string(row.wire)] = *number;
    }
    const auto packed = json::to_msgpack(input);
    return {bytes(bytes_view(reinterpret_cast<const std::byte*>(packed.data()), packed.size()))};
}

// As many at a time as can be asked at once, so that none of a large cluster is left out.
std::vector<scale_outcome> ask_all(client& entry, const std::vector<member>& members,
                                   const scale_arguments& given) {
    const member_question question{"dunlin/scale", question_of(given)};
    const auto patience = std::chrono::ceil<std::chrono::milliseconds>(given.connection.timeout);
    std::vector<scale_outcome> all;
    std::vector<member> asked;
    const auto ask = [&] {
        for (const auto& each :
             ask_members(entry, asked, question, patience, given.connection.keys))
            all.push_back(read_scale_outcome(each.name, given.function, each.reply));
        asked.clear();
    };
    for (const auto& each : members) {
        if (!each.living()) continue;
        if (each.state == "draining") {
            all.push_back({each.name, scale_end::failed, nullptr,
                           "it drains, so it takes no calls any more and ends"});
            continue;
        }
        asked.push_back(each);
        if (asked.size() == members_asked_max) ask();
    }
    ask();
    std::stable_sort(all.begin(), all.end(), [](const scale_outcome& a, const scale_outcome& b) {
        return a.node < b.node;
    });
    return all;
}

int report(const std::vector<scale_outcome>& all, const scale_arguments& given) {
    const auto count = [&](scale_end end) {
        return std::count_if(all.begin(), all.end(),
                             [&](const scale_outcome& each) { return each.end == end; });
    };
    const bool served = count(scale_end::answered) != 0;
    if (given.json || served) {
        const auto text = given.json        ? scale_json(all)
                          : given.changes() ? scale_changes(all)
                                            : scale_table(all);
        std::fputs(text.c_str(), stdout);
        std::fflush(stdout);
    }
    for (const auto& each : all)
        if (each.end == scale_end::failed) complain("node " + each.node + ": " + each.why);
    if (!served && count(scale_end::not_served) != 0) {
        const auto said = std::find_if(all.begin(), all.end(), [](const scale_outcome& each) {
            return each.end == scale_end::not_served;
        });
        // The node's own words are about itself; what it takes for meant holds for all.
        const auto hint = said->why.find("; did you mean ");
        return failed("no function " + given.function +
                      (hint == std::string::npos ? "; dunlin functions lists those there are"
                                                 : said->why.substr(hint)));
    }
    if (given.changes())
        if (const auto left = scale_left_over(all); !left.empty()) complain(left);
    return count(scale_end::failed) == 0 ? exit_code::success : exit_code::call_failed;
}

int run(const scale_arguments& given) {
    if (given.function.starts_with("dunlin/"))
        throw usage_error(given.function + " is the nodes' own function, which scales by itself");
    if (given.reset && !runtime::says_nothing(given.wishes))
        throw usage_error("--reset takes back what was set, and sets nothing itself");
    if (auto good = runtime::check_together(given.wishes); !good)
        throw usage_error(good.error().detail);
    const signals stop;
    auto to = connect(given.connection, stop);
    if (!to.client) return to.exit_code;
    const exit_at_signal meanwhile(stop);
    const auto reply = to.client->invoke<any_value>("dunlin/nodes", nullptr);
    if (!reply) return failed(to_string(reply.error()));
    const auto members = read_members(reply->encoded);
    if (!members) return failed(to_string(members.error()));
    return report(ask_all(*to.client, *members, given), given);
}

void add_row(CLI::App& app, const runtime::scale_row& row, scale_arguments& to) {
    const std::string flag(row.flag);
    app.add_option_function<std::string>(
           flag,
           [flag, &row, &to](const std::string& text) {
               if (auto put = put_text(to.wishes, row, text); !put)
                   throw usage_error(flag + ": " + put.error().detail);
           },
           std::string(row.help))
        ->type_name(std::string(row.placeholder))
        ->group("Settings");
}

}  // namespace

verb add_scale(CLI::App& program) {
    auto* app = program.add_subcommand("scale", description);
    app->footer(footer);
    auto given = std::make_shared<scale_arguments>();
    app->add_option("FUNCTION", given->function, "The function's full name.")->required();
    for (const auto& row : runtime::scale_rows()) add_row(*app, row, *given);
    app->add_flag("--reset", given->reset, "Take back all that this command has said.")
        ->group("Settings");
    app->add_flag("--json", given->json, "Print a JSON array with an object for each node.")
        ->group("Output");
    add_connection_options(*app, given->connection, "How long each node has for its answer.");
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
