// SPDX-License-Identifier: Apache-2.0
//
// The members of a cluster as one node sees them, for people and for programs.
//
// Sorted by name. Those that are dead or have left are shown on demand. What the node's answer
// holds besides is kept in the JSON and not in the table. Pure; any thread.
#pragma once

#include "cluster/wanted_nodes.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <string>

namespace dunlin::program {

enum class members_shown { living, all };

/// A table with one member a line; the node that was asked is marked with '*'.
[[nodiscard]] result<std::string> nodes_table(bytes_view payload, members_shown which);

/// A JSON array with one member a line. What is wanted stands with the node that was asked.
[[nodiscard]] result<std::string> nodes_json(bytes_view payload, members_shown which,
                                             const cluster::wanted_nodes* wanted = nullptr);

/// A line for below the table.
[[nodiscard]] std::string wanted_line(const cluster::wanted_nodes& wanted);

/// A share from 0 to 1 as "42%".
[[nodiscard]] std::string percent(double share);

/// A time as a person would say it: "85us", "1.2ms", "13s". Nothing known: "-".
[[nodiscard]] std::string short_time_us(double time_us);

}  // namespace dunlin::program
