// SPDX-License-Identifier: Apache-2.0
//
// Durations and sizes as people write them: 10s, 500ms, 16MiB.
//
// The same spelling holds on the command line, in configuration files and in output, and what
// `format_*` prints `parse_*` reads back to the same value. A duration always names its unit, so
// that nobody has to guess; a size without one is in bytes. Pure functions, safe from any thread.
#pragma once

#include <dunlin/result.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::runtime {

/// Reads "250us", "1.5s", "10m" or a bare "0". Units: ns, us, ms, s, m, h. The error is a
/// sentence that names the text and the units. Refuses negative values and more than 100 years.
[[nodiscard]] result<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// The shortest exact spelling: "10s", "1500ms", "5us".
[[nodiscard]] std::string format_duration(std::chrono::nanoseconds value);

/// Reads "512", "64KiB", "1.5MiB" or "10MB". Units: B, KiB, MiB, GiB, TiB (1024) and kB, MB, GB,
/// TB (1000), in any case; K, M, G, T alone mean 1024.
[[nodiscard]] result<std::uint64_t> parse_size(std::string_view text);

/// The shortest exact spelling in units of 1024: "16MiB", "1000".
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// Reads a whole number that is not negative; digits may be grouped with '_' or '\''.
[[nodiscard]] result<std::uint64_t> parse_count(std::string_view text);

}  // namespace dunlin::runtime
