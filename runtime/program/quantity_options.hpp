// SPDX-License-Identifier: Apache-2.0
//
// Options of the command line whose value is a duration, a size or a count.
//
// Each shows its default in the help and refuses a value with a sentence that says how to write
// one. The target must outlive the command line. Main thread.
#pragma once

#include "runtime/program/verb.hpp"
#include "runtime/text/quantity.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstddef>
#include <limits>
#include <string>

namespace dunlin::program {

/// A duration of at least one tick of `Duration`.
template <class Duration>
CLI::Option* add_duration(CLI::App& app, const std::string& name, Duration& to,
                          const std::string& help) {
    const auto read = [name, &to](const std::string& text) {
        const auto value = runtime::parse_duration(text);
        if (!value) throw usage_error(name + ": " + value.error().detail);
        to = std::chrono::ceil<Duration>(*value);
        if (to == Duration::zero()) throw usage_error(name + ": must be more than zero");
    };
    return app.add_option_function<std::string>(name, read, help)
        ->type_name("DURATION")
        ->default_str(runtime::format_duration(to));
}

struct count_range {
    std::size_t least = 1;
    std::size_t most = std::numeric_limits<std::size_t>::max();
};

inline CLI::Option* add_count(CLI::App& app, const std::string& name, std::size_t& to,
                              const std::string& help, count_range range = {}) {
    const auto read = [name, &to, range](const std::string& text) {
        const auto value = runtime::parse_count(text);
        if (!value) throw usage_error(name + ": " + value.error().detail);
        if (*value < range.least || *value > range.most)
            throw usage_error(name + ": " + text + " is out of range; between " +
                              std::to_string(range.least) + " and " + std::to_string(range.most) +
                              " is possible");
        to = *value;
    };
    return app.add_option_function<std::string>(name, read, help)
        ->type_name("COUNT")
        ->default_str(std::to_string(to));
}

inline CLI::Option* add_size(CLI::App& app, const std::string& name, std::size_t& to,
                             const std::string& help) {
    const auto read = [name, &to](const std::string& text) {
        const auto value = runtime::parse_size(text);
        if (!value) throw usage_error(name + ": " + value.error().detail);
        to = *value;
    };
    return app.add_option_function<std::string>(name, read, help)
        ->type_name("SIZE")
        ->default_str(runtime::format_size(to));
}

}  // namespace dunlin::program
