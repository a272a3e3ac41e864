// SPDX-License-Identifier: Apache-2.0
//
// One verb of the program: its options, and what it does once they are read.
//
// Every verb is one file with one function that adds it to the command line; `main.cpp` lists
// them. A verb reports by its exit code, and says why on standard error in one line that starts
// with "dunlin: ". Used on the main thread.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace dunlin::program {

struct verb {
    CLI::App* app = nullptr;
    /// Called after the command line has been read; returns the exit code.
    std::function<int()> run;
};

/// Adds a verb with its options to the program's command line.
using add_verb = verb (*)(CLI::App& program);

/// Input that cannot be used. Thrown by a verb before it has done anything; ends the program
/// with `exit_code::usage`.
class usage_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Prints "dunlin: " and the sentence, with line breaks turned into spaces and what a
/// terminal would obey escaped, on standard error.
void complain(std::string_view sentence);

}  // namespace dunlin::program
