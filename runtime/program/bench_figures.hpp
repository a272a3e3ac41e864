// SPDX-License-Identifier: Apache-2.0
//
// How the reports of a benchmark write numbers. Pure; any thread.
#pragma once

#include "support/log_histogram.hpp"

#include <array>
#include <cstdio>
#include <string>

namespace dunlin::program {

inline std::string decimal(double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

inline std::string microseconds(double nanoseconds) { return decimal(nanoseconds / 1000, 1); }

inline std::string quantile_us(const support::log_histogram& of, double part) {
    return microseconds(static_cast<double>(of.quantile(part)));
}

}  // namespace dunlin::program
