// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/command_line.hpp"

#include "runtime/program/exit_code.hpp"
#include "runtime/program/help_text.hpp"
#include "runtime/text/suggest.hpp"
#include "support/log_text.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::program {
namespace {

constexpr const char* program_description =
    "Dunlin runs plain functions as actors and calls them by name.";

constexpr const char* program_footer =
    R"(New here? In one terminal start a node with the functions of the module "bench":

    dunlin node --module bench

and in another one call a function, see what else there is, and measure:

    dunlin invoke bench/echo '{"hello": "world"}'
    dunlin functions
    dunlin bench bench/echo --window 64 --size 64

A second node makes a cluster; see who is in it, and what goes on:

    dunlin node --module bench --listen tcp://127.0.0.1:7441 --join tcp://127.0.0.1:7440
    dunlin nodes
    dunlin top

Why nodes did what they did, such as refusing a call:

    dunlin explain

Every verb has its own help: dunlin VERB --help.

Exit codes: 0 success, 1 a call failed, 2 usage or configuration, 3 no node reached,
4 the node could not start, 130 interrupted.)";

// `--node A B` means two nodes, yet an option that takes many values would also swallow the
// function's name behind it. So an endpoint after a node's endpoint gets its own `--node`.
std::vector<std::string> spread_nodes(int count, char** arguments) {
    std::vector<std::string> spread;
    bool after_node = false;
    for (int i = 1; i < count; ++i) {
        const std::string_view argument = arguments[i];
        const bool endpoint = argument.find("://") != std::string_view::npos && argument[0] != '-';
        if (spread.empty() || spread.back() != "--node") {
            if (after_node && endpoint) spread.emplace_back("--node");
            after_node = after_node && endpoint;
        } else {
            after_node = true;
        }
        spread.emplace_back(argument);
    }
    return spread;
}

// `--module A B` of a verb means two, and B may be called as a verb is (there is a module `bench`).
// So each value behind such an option is bound to it: `--module=A --module=B`.
std::vector<std::string> bind_lists(const CLI::App& program, std::vector<std::string> words) {
    const auto verbs = program.get_subcommands({});
    const auto verb = std::find_if(verbs.begin(), verbs.end(), [&](const CLI::App* each) {
        return !words.empty() && each->get_name() == words.front();
    });
    if (verb == verbs.end()) return words;
    std::vector<std::string> bound;
    std::string list;  // whose values are being read
    for (auto& word : words) {
        if (word.starts_with('-')) {
            const auto* option = (*verb)->get_option_no_throw(word);
            list = option != nullptr && option->get_items_expected_max() > 1 &&
                           option->get_allow_extra_args()
                       ? word
                       : "";
            bound.push_back(std::move(word));
        } else if (list.empty()) {
            bound.push_back(std::move(word));
        } else if (bound.back() == list) {
            bound.back() += '=' + word;
        } else {
            bound.push_back(list + '=' + word);
        }
    }
    return bound;
}

std::vector<std::string> verb_names(const CLI::App& program) {
    std::vector<std::string> names;
    for (const auto* verb : program.get_subcommands({})) names.push_back(verb->get_name());
    return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* option : app.get_options())
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

// What the command line says and no verb or option knows.
std::string about_stray(const CLI::App& program, const std::string& stray) {
    const auto chosen = program.get_subcommands();
    if (chosen.empty() && !stray.starts_with('-')) {
        const auto hint = runtime::did_you_mean(stray, verb_names(program));
        return "no verb '" + stray + "'" + (hint.empty() ? "; see dunlin --help" : hint);
    }
    const auto& app = chosen.empty() ? program : *chosen.front();
    const std::string command = chosen.empty() ? "dunlin" : "dunlin " + app.get_name();
    if (!stray.starts_with('-'))
        return "'" + stray + "' is one argument too many for " + command + "; see " + command +
               " --help";
    const auto name = stray.substr(0, stray.find('='));
    const auto hint = runtime::did_you_mean(name, option_names(app));
    return command + " has no option '" + name + "'" +
           (hint.empty() ? "; see " + command + " --help" : hint);
}

int complain_usage(const CLI::App& program, const CLI::ParseError& error) {
    // A stray argument is the likely cause of whatever else is missing.
    const auto strays = program.remaining(true);
    const auto stray = std::find_if(strays.begin(), strays.end(),
                                    [](const std::string& text) { return text != "--"; });
    if (stray != strays.end()) {
        complain(about_stray(program, *stray));
    } else {
        std::string text = error.what();
        if (const auto at = text.find(": At Most 1 required"); at != std::string::npos)
            text = text.substr(0, at) + " is given more than once";
        const auto chosen = program.get_subcommands();
        if (!chosen.empty()) text += "; see dunlin " + chosen.front()->get_name() + " --help";
        complain(text);
    }
    return exit_code::usage;
}

// A full disk must not look like an empty result.
int after_writing(int code) {
    const bool flushed = std::fflush(stdout) == 0;
    const int why = errno;
    if (code != exit_code::success || (flushed && std::ferror(stdout) == 0)) return code;
    complain(std::string("cannot write the output") +
             (flushed ? "" : std::string(": ") + std::strerror(why)));
    return exit_code::call_failed;
}

// `dunlin help VERB`, as so many programs have it, is `dunlin VERB --help`.
void understand_help(const CLI::App& program, std::vector<std::string>& words) {
    if (words.empty() || words.front() != "help") return;
    words.erase(words.begin());
    const auto names = verb_names(program);
    const bool known =
        words.empty() || std::find(names.begin(), names.end(), words.front()) != names.end();
    if (known) words.emplace_back("--help");  // otherwise it is a stray like any other
}

}  // namespace

void complain(std::string_view sentence) {
    std::string text(sentence);
    std::replace(text.begin(), text.end(), '\n', ' ');
    std::string line = "dunlin: ";
    support::append_log_text(line, text);  // it may quote what a node says
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
}

int run_command_line(int argument_count, char** arguments, std::span<const add_verb> verbs) {
    CLI::App program(program_description, "dunlin");
    program.footer(program_footer);
    program.formatter(std::make_shared<help_text>());
    program.set_help_flag("-h,--help", "Show this help.");
    program.require_subcommand(0, 1);  // what follows a verb is never another one
    std::vector<verb> added;
    for (const auto add : verbs) added.push_back(add(program));

    if (argument_count <= 1) {
        std::fputs(program.help().c_str(), stderr);
        return exit_code::usage;
    }
    try {
        auto words = spread_nodes(argument_count, arguments);
        if (words == std::vector<std::string>{"--version"}) words = {"version"};
        understand_help(program, words);
        words = bind_lists(program, std::move(words));
        std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
        program.parse(std::move(words));
        for (const auto& verb : added)
            if (verb.app->parsed()) return after_writing(verb.run());
        complain("no verb given; see dunlin --help");
        return exit_code::usage;
    } catch (const CLI::CallForHelp&) {
        const auto chosen = program.get_subcommands();
        std::fputs((chosen.empty() ? program : *chosen.front()).help().c_str(), stdout);
        return after_writing(exit_code::success);
    } catch (const CLI::ParseError& error) {
        return complain_usage(program, error);
    } catch (const usage_error& error) {
        complain(error.what());
        return exit_code::usage;
    } catch (const std::exception& error) {
        complain(error.what());
        return exit_code::call_failed;
    }
}

}  // namespace dunlin::program
