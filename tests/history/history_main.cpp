// SPDX-License-Identifier: Apache-2.0
//
// The program `dunlin_history`: says whether what callers were told can have happened.
#include "tests/history/history_lines.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace dunlin::history;

constexpr const char* description =
    "Reads what callers were told, a JSON object for each operation, and says whether the history "
    "of every key is linearizable.";

constexpr const char* footer =
    R"(A line: {"key":"ann","id":7,"op":"add","end":"ok","called_ns":12,"ended_ns":15,"count":3}
op is add, append, read or erase; end is ok, not_run or unknown. Prints one JSON object; what is bad
is told on standard error, with the operations that show it.

Exit codes: 0 all are linearizable; 1 some are not, or could not be decided; 2 usage, or a line that
is none.)";

bool read_all(std::istream& from, const std::string& name, keyed_history& into) {
    std::string line;
    for (std::size_t number = 1; std::getline(from, line); ++number) {
        const auto read = read_line(line, into);
        if (read) continue;
        std::fprintf(stderr, "dunlin_history: %s, line %zu: %s\n", name.c_str(), number,
                     read.error().detail.c_str());
        return false;
    }
    return true;
}

}  // namespace

int main(int count, char** words) {
    std::vector<std::string> files;
    CLI::App app(description, "dunlin_history");
    app.footer(footer);
    app.add_option("FILE", files, "Files of lines, taken together. None: standard input.");
    try {
        app.parse(count, words);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    }
    keyed_history all;
    if (files.empty() && !read_all(std::cin, "standard input", all)) return 2;
    for (const auto& each : files) {
        std::ifstream from(each);
        if (!from) {
            std::fprintf(stderr, "dunlin_history: cannot read %s\n", each.c_str());
            return 2;
        }
        if (!read_all(from, each, all)) return 2;
    }
    const auto found = all.judge();
    auto bad = nlohmann::json::array();
    for (const auto& [key, verdict] : found.bad) {
        auto window = nlohmann::json::array();
        for (const auto& each : verdict.window) window.push_back(describe(each));
        bad.push_back({{"key", key},
                       {"decided", verdict.what == judgement::not_linearizable},
                       {"why", verdict.why},
                       {"window", std::move(window)}});
    }
    const nlohmann::json told{{"keys", found.keys},       {"answered", found.answered},
                              {"not_run", found.not_run}, {"unknown", found.unknown},
                              {"steps", found.steps},     {"bad", std::move(bad)}};
    std::printf("%s\n", told.dump().c_str());
    std::fputs(found.text().c_str(), stderr);
    return found.good() ? 0 : 1;
}
