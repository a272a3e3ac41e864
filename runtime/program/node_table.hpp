// SPDX-License-Identifier: Apache-2.0
//
// The members of a cluster as one node sees them, for people and for programs.
//
// Sorted by name. Those that are dead or have left are shown on demand. What the node's answer
// holds besides is kept in the JSON and not in the table. Pure; any thread.
#pragma once

#include "cluster/wanted_nodes.hpp"
#include "runtime/program/member_use.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace dunlin::program {

enum class members_shown { living, all };

/// What members hold of their budgets of memory, by name, as far as they have said so.
using memory_by_name = std::map<std::string, member_memory>;

/// A table with one member a line; the node that was asked is marked with '*'.
[[nodiscard]] result<std::string> nodes_table(bytes_view payload, members_shown which,
                                              const memory_by_name& memory = {});

/// A JSON array with one member a line. What is wanted stands with the node that was asked.
[[nodiscard]] result<std::string> nodes_json(bytes_view payload, members_shown which,
                                             const cluster::wanted_nodes* wanted = nullptr,
                                             const memory_by_name& memory = {});

/// A line for below the table.
[[nodiscard]] std::string wanted_line(const cluster::wanted_nodes& wanted);

/// A share from 0 to 1 as "42%".
[[nodiscard]] std::string percent(double share);
/// The same of a whole; not known, 0: "-".
[[nodiscard]] std::string part_of(std::uint64_t part, std::uint64_t whole);

/// A time as a person would say it: "85us", "1.2ms", "13s". Nothing known: "-".
[[nodiscard]] std::string short_time_us(double time_us);

}  // namespace dunlin::program
