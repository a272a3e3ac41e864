// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/help_text.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace dunlin::program {
namespace {

constexpr std::size_t indent = 2;
constexpr std::size_t text_column = 32;
constexpr std::size_t line_width = 96;

// Breaks the text between words; every line but the first starts at `column`.
std::string wrapped(std::string_view text, std::size_t column) {
    std::string lines;
    std::size_t width = column;
    while (!text.empty()) {
        const auto word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        if (width > column && width + 1 + word.size() > line_width) {
            lines += "\n" + std::string(column, ' ');
            width = column;
        } else if (width > column) {
            lines += ' ';
            ++width;
        }
        lines += word;
        width += word.size();
    }
    return lines;
}

std::string entry(const std::string& head, const std::string& text) {
    std::string line = std::string(indent, ' ') + head;
    if (line.size() + 2 > text_column) {
        line += "\n" + std::string(text_column, ' ');
    } else {
        line.resize(text_column, ' ');
    }
    return line + wrapped(text, text_column) + "\n";
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::string option_head(const CLI::Option& option) {
    std::string names;
    for (const auto& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
    for (const auto& name : option.get_lnames()) names += (names.empty() ? "--" : ", --") + name;
    if (takes_value(option)) names += " " + option.get_type_name();
    if (option.get_items_expected_max() > 1) names += "...";
    return names;
}

std::string option_line(const CLI::Option& option) {
    std::string text = option.get_description();
    if (takes_value(option) && !option.get_default_str().empty())
        text += " (default: " + option.get_default_str() + ")";
    if (!option.get_envname().empty()) text += " (environment: " + option.get_envname() + ")";
    return entry(option.get_positional() ? option.get_name(true) : option_head(option), text);
}

std::string usage(const CLI::App& app) {
    const auto* parent = app.get_parent();
    std::string line =
        "Usage: " + (parent == nullptr ? "" : parent->get_name() + " ") + app.get_name();
    if (!app.get_subcommands({}).empty()) return line + " VERB [ARGUMENTS]\n";
    for (const auto* option : app.get_options())
        if (option->get_positional())
            line += option->get_required() ? " " + option->get_name(true)
                                           : " [" + option->get_name(true) + "]";
    return line + " [OPTIONS]\n";
}

std::string section(const std::string& title, const std::string& body) {
    return body.empty() ? "" : "\n" + title + ":\n" + body;
}

}  // namespace

std::string help_text::make_help(const CLI::App* app, std::string /*name*/,
                                 CLI::AppFormatMode /*mode*/) const {
    std::string text = wrapped(app->get_description(), 0) + "\n\n" + usage(*app);

    std::string verbs;
    for (const auto* verb : app->get_subcommands({})) {
        const auto description = verb->get_description();
        const auto sentence = std::min(description.find(". "), description.size() - 1);
        verbs += entry(verb->get_name(), description.substr(0, sentence + 1));
    }
    text += section("Verbs", verbs);

    std::string arguments;
    for (const auto* option : app->get_options())
        if (option->get_positional()) arguments += option_line(*option);
    text += section("Arguments", arguments);

    for (const auto& group : app->get_groups()) {
        std::string lines;
        for (const auto* option : app->get_options())
            if (!option->get_positional() && option->get_group() == group)
                lines += option_line(*option);
        text += section(group, lines);
    }
    const auto footer = app->get_footer();
    if (!footer.empty()) text += "\n" + footer + "\n";
    return text;
}

}  // namespace dunlin::program
