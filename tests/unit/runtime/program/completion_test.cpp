// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/completion.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <vector>

using namespace dunlin::program;
using Catch::Contains;

namespace {

const std::vector<completed_verb> verbs{
    {"call",
     "Calls a node's function: one. And more.",
     {{"--time", "A call's time.", "DURATION"}},
     {}},
    {"shells", "Knows words.", {{"--form", "How.", "text|json"}}, {"bash", "zsh"}},
};

}  // namespace

TEST_CASE("every shell is told all verbs, options and words") {
    for (const auto* shell : {"bash", "zsh", "fish"}) {
        INFO(shell);
        const auto script = completion_script(shell, verbs);
        for (const auto* word : {"call", "shells", "time", "form", "text", "json", "bash", "zsh"})
            CHECK_THAT(script, Contains(word));
    }
    CHECK(completion_script("tcsh", verbs).empty());
}

TEST_CASE("an apostrophe in a text does not end the shell's quotes") {
    // A string of zsh ends at every apostrophe, so one is closed, escaped and opened again.
    const auto zsh = completion_script("zsh", verbs);
    CHECK_THAT(zsh, Contains(R"(node'\''s function)"));
    CHECK_THAT(zsh, Contains(R"(A call'\''s time)"));
    // fish has escapes inside of them.
    const auto fish = completion_script("fish", verbs);
    CHECK_THAT(fish, Contains(R"(node\'s function)"));
    CHECK_THAT(fish, Contains(R"(A call\'s time)"));
}

TEST_CASE("a colon, which zsh takes for the end of a name, is escaped") {
    CHECK_THAT(completion_script("zsh", verbs), Contains(R"(function\: one)"));
}
