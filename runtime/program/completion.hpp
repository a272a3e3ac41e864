// SPDX-License-Identifier: Apache-2.0
//
// Completion scripts for shells, generated from a description of the verbs, so that they
// cannot go out of date. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dunlin::program {

struct completed_option {
    std::string name;  // "--lines"
    std::string help;
    /// What its value is: empty when it takes none, "FILE" or "DIR", "a|b|c" for the only ones.
    std::string value;
};

struct completed_verb {
    std::string name;
    std::string help;
    std::vector<completed_option> options;
    /// Words that the verb's argument can be, if there are only some.
    std::vector<std::string> words;
};

/// The script for "bash", "zsh" or "fish"; empty for another shell.
[[nodiscard]] std::string completion_script(std::string_view shell,
                                            const std::vector<completed_verb>& verbs);

}  // namespace dunlin::program
