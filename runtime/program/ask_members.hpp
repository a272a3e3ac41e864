// SPDX-License-Identifier: Apache-2.0
//
// One question to every living member of a cluster, at the same time.
//
// For verbs that ask once; `dunlin top`, which asks again and again, keeps its connections
// (member_contacts.hpp). Of a larger cluster the first `members_asked_max` are asked, so that
// neither threads nor sockets run out.
#pragma once

#include "runtime/program/any_value.hpp"
#include "runtime/program/connection.hpp"
#include "runtime/program/member_list.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/client.hpp>
#include <dunlin/result.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace dunlin::program {

inline constexpr std::size_t members_asked_max = 128;

struct member_answer {
    std::string name;
    result<bytes> reply;
};

/// What is called, and with what.
struct member_question {
    std::string function;
    any_value input = {};  // nothing: nil
};

/// The node that `entry` leads to, as a member of a list that it alone is in.
[[nodiscard]] member alone(client& entry);
/// Who there is, says that node; it alone where it may not be asked, or names nobody who lives.
[[nodiscard]] std::vector<member> members_or_alone(client& entry);

/// Calls the function at each of `members` that lives; at the one that gave the list through
/// `entry`. In their order. `patience` is what each has for its answer.
[[nodiscard]] std::vector<member_answer> ask_members(client& entry,
                                                     const std::vector<member>& members,
                                                     const member_question& question,
                                                     std::chrono::milliseconds patience,
                                                     const key_files& keys);

}  // namespace dunlin::program
