// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/completion_verb.hpp"

#include "runtime/program/completion.hpp"
#include "runtime/program/exit_code.hpp"
#include "runtime/text/choices.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace dunlin::program {
namespace {

constexpr const char* description =
    "Prints what makes a shell complete verbs and options of dunlin.";

constexpr const char* footer = R"(Examples:
    source <(dunlin completion bash)                       # this shell; or put it in ~/.bashrc
    dunlin completion bash > /etc/bash_completion.d/dunlin
    dunlin completion zsh  > "${fpath[1]}/_dunlin"
    dunlin completion fish > ~/.config/fish/completions/dunlin.fish)";

// The verbs as the shells need them, read from the command line itself.
std::vector<completed_verb> describe(const CLI::App& program) {
    std::vector<completed_verb> verbs;
    for (const auto* app : program.get_subcommands({})) {
        completed_verb verb{app->get_name(), app->get_description(), {}, {}};
        for (const auto* option : app->get_options()) {
            const bool value = option->get_items_expected_max() > 0;
            const auto type = value ? option->get_type_name() : std::string{};
            if (option->get_positional() && type.find('|') != std::string::npos)
                verb.words = runtime::choices_in(type);
            for (const auto& name : option->get_lnames())
                verb.options.push_back({"--" + name, option->get_description(), type});
        }
        verbs.push_back(std::move(verb));
    }
    return verbs;
}

}  // namespace

verb add_completion(CLI::App& program) {
    auto* app = program.add_subcommand("completion", description);
    app->footer(footer);
    auto shell = std::make_shared<std::string>();
    app->add_option("SHELL", *shell, "bash, zsh or fish.")->required()->type_name("bash|zsh|fish");
    return {app, [shell, &program] {
                const auto script = completion_script(*shell, describe(program));
                if (script.empty())
                    throw usage_error("no completion for '" + *shell +
                                      "'; bash, zsh and fish have one");
                std::fputs(script.c_str(), stdout);
                return exit_code::success;
            }};
}

}  // namespace dunlin::program
