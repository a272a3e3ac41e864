// SPDX-License-Identifier: Apache-2.0
//
// The layout of `--help`: what the verb does, how it is called, what each option means and what
// holds when it is not given, and examples to copy. Pure; main thread.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace dunlin::program {

class help_text : public CLI::FormatterBase {
public:
    std::string make_help(const CLI::App* app, std::string name,
                          CLI::AppFormatMode mode) const override;
};

}  // namespace dunlin::program
