// SPDX-License-Identifier: Apache-2.0
//
// The policies that can be rehearsed, by the names that people give: dunlin, knative[:UTILISATION],
// orleans[:MAX], fixed:N. Pure; any thread.
#pragma once

#include <dunlin/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace dunlin::runtime::rehearsal {

enum class policy_kind { dunlin, knative, orleans, fixed };

struct policy_choice {
    policy_kind kind = policy_kind::dunlin;
    std::string name = "dunlin";  // as it was given
    double utilisation = 0.7;     // of knative
    std::size_t number = 0;       // of fixed, and the maximum of orleans; 0: the function's
};

/// No function has more activations than this.
inline constexpr std::size_t actors_max = 1'000'000;

/// The error is a sentence that says what can be written.
[[nodiscard]] result<policy_choice> parse_policy(std::string_view name);

}  // namespace dunlin::runtime::rehearsal
