// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_outcome.hpp"

#include <utility>

namespace dunlin::program {

void bench_outcome::fail(const error& why) {
    const auto number = static_cast<std::size_t>(why.code);
    ++errors[number < code_count ? number : static_cast<std::size_t>(errc::unknown)];
    if (first_error.empty()) first_error = to_string(why);
}

void bench_outcome::add(bench_outcome&& other) {
    latencies.add(other.latencies);
    for (std::size_t i = 0; i < errors.size(); ++i) errors[i] += other.errors[i];
    if (first_error.empty()) first_error = std::move(other.first_error);
    cold_starts += other.cold_starts;
}

}  // namespace dunlin::program
