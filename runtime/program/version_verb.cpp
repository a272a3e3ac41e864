// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/version_verb.hpp"

#include "runtime/program/exit_code.hpp"

#include <dunlin/abi.h>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>

#ifndef DUNLIN_VERSION
#define DUNLIN_VERSION "unknown"
#endif

namespace dunlin::program {
namespace {

int run(bool json) {
    const char* const format = json ? "{\"version\":\"%s\",\"module_abi\":%u,\"compiler\":\"%s\"}\n"
                                    : "dunlin %s (module ABI %u, compiled by %s)\n";
#ifdef __clang__
    std::printf(format, DUNLIN_VERSION, DUNLIN_ABI_VERSION, "clang " __clang_version__);
#else
    std::printf(format, DUNLIN_VERSION, DUNLIN_ABI_VERSION, "gcc " __VERSION__);
#endif
    return exit_code::success;
}

}  // namespace

verb add_version(CLI::App& program) {
    auto* app = program.add_subcommand("version", "Says what this build is.");
    auto json = std::make_shared<bool>(false);
    app->add_flag("--json", *json, "Print one JSON object.");
    return {app, [json] { return run(*json); }};
}

}  // namespace dunlin::program
