// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/completion.hpp"

#include "runtime/text/choices.hpp"

namespace dunlin::program {
namespace {

using runtime::choices_in;

std::string joined(const std::vector<std::string>& words, std::string_view between = " ") {
    std::string text;
    for (const auto& word : words) (text += text.empty() ? "" : between) += word;
    return text;
}

std::string first_sentence(const std::string& help) {
    const auto end = help.find(". ");
    auto text = help.substr(0, end);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

constexpr std::string_view zsh_apostrophe = R"('\'')";
constexpr std::string_view fish_apostrophe = R"(\')";

// As it stands between single quotes, where zsh and fish write an apostrophe in ways of their own;
// they also give meaning to what `also` names.
std::string quotable(const std::string& text, std::string_view apostrophe, std::string_view also) {
    std::string safe;
    for (const char c : text) {
        if (c == '\'') {
            safe += apostrophe;
            continue;
        }
        if (also.find(c) != std::string_view::npos) safe += '\\';
        safe += c;
    }
    return safe;
}

bool is_path(const std::string& value) { return value == "FILE" || value == "DIR"; }

// -- bash
// ------------------------------------------------------------------------------------------

std::string bash_value_cases(const completed_verb& verb) {
    std::string cases;
    for (const auto& option : verb.options) {
        if (option.value.empty()) continue;
        const auto words = choices_in(option.value);
        const std::string how = is_path(option.value) ? "compgen -f -- \"$word\""
                                : words.empty()       ? ":"
                                                : "compgen -W '" + joined(words) + "' -- \"$word\"";
        cases += "                " + option.name + ") mapfile -t COMPREPLY < <(" + how +
                 "); return ;;\n";
    }
    return cases;
}

std::string bash_script(const std::vector<completed_verb>& verbs) {
    std::vector<std::string> names;
    std::string cases;
    for (const auto& verb : verbs) {
        names.push_back(verb.name);
        auto words = verb.words;
        for (const auto& option : verb.options) words.push_back(option.name);
        cases += "        " + verb.name + ")\n            case \"$before\" in\n" +
                 bash_value_cases(verb) + "            esac\n            words='" + joined(words) +
                 "' ;;\n";
    }
    return R"(# Completion of dunlin for bash.
_dunlin() {
    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W ')" +
           joined(names) + R"( --help' -- "$word")
        return
    fi
    case "${COMP_WORDS[1]}" in
)" + cases +
           R"(    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o filenames -o bashdefault -F _dunlin dunlin
)";
}

// -- zsh
// -------------------------------------------------------------------------------------------

std::string zsh_option(const completed_option& option) {
    std::string spec =
        option.name + "[" + quotable(first_sentence(option.help), zsh_apostrophe, "[]:") + "]";
    if (option.value.empty()) return spec;
    const auto words = choices_in(option.value);
    return spec + ":" + (words.empty() ? option.value : "value") + ":" +
           (is_path(option.value) ? "_files"
            : words.empty()       ? ""
                                  : "(" + joined(words) + ")");
}

std::string zsh_script(const std::vector<completed_verb>& verbs) {
    std::string names;
    std::string cases;
    for (const auto& verb : verbs) {
        names += "        '" + verb.name + ":" +
                 quotable(first_sentence(verb.help), zsh_apostrophe, ":") + "'\n";
        cases += "        " + verb.name + ")\n            _arguments";
        for (const auto& option : verb.options)
            cases += " \\\n                '*" + zsh_option(option) + "'";
        if (!verb.words.empty())
            cases += " \\\n                '1:value:(" + joined(verb.words) + ")'";
        cases += " ;;\n";
    }
    return R"(#compdef dunlin
# Completion of dunlin for zsh.
_dunlin() {
    local -a verbs
    verbs=(
)" + names +
           R"(    )
    if (( CURRENT == 2 )); then
        _describe 'verb' verbs
        return
    fi
    local verb="${words[2]}"
    shift words
    (( CURRENT-- ))
    case "$verb" in
)" + cases +
           R"(    esac
}
if [ "${funcstack[1]}" = _dunlin ]; then
    _dunlin "$@"
else
    compdef _dunlin dunlin
fi
)";
}

// -- fish
// ------------------------------------------------------------------------------------------

std::string fish_script(const std::vector<completed_verb>& verbs) {
    std::string text = "# Completion of dunlin for fish.\ncomplete -c dunlin -f\n";
    for (const auto& verb : verbs) {
        text += "complete -c dunlin -n __fish_use_subcommand -a " + verb.name + " -d '" +
                quotable(first_sentence(verb.help), fish_apostrophe, "\\") + "'\n";
        const std::string when =
            "complete -c dunlin -n '__fish_seen_subcommand_from " + verb.name + "'";
        if (!verb.words.empty()) text += when + " -a '" + joined(verb.words) + "'\n";
        for (const auto& option : verb.options) {
            const auto words = choices_in(option.value);
            text += when + " -l " + option.name.substr(2) + " -d '" +
                    quotable(first_sentence(option.help), fish_apostrophe, "\\") + "'";
            if (is_path(option.value)) {
                text += " -r -F";
            } else if (!words.empty()) {
                text += " -x -a '" + joined(words) + "'";
            } else if (!option.value.empty()) {
                text += " -x";
            }
            text += "\n";
        }
    }
    return text;
}

}  // namespace

std::string completion_script(std::string_view shell, const std::vector<completed_verb>& verbs) {
    if (shell == "bash") return bash_script(verbs);
    if (shell == "zsh") return zsh_script(verbs);
    if (shell == "fish") return fish_script(verbs);
    return {};
}

}  // namespace dunlin::program
