// SPDX-License-Identifier: Apache-2.0
//
// What the nodes of a cluster say of a function's scaling, put together for people and programs.
//
// Each node decides for itself, so a change can have taken effect on some only: what is shown says
// for each what has changed, that it does not serve the function, or why it has no answer. Answers
// may come from another version: what is missing is left out. Pure. For source files only.
#pragma once

#include "runtime/program/lenient_json.hpp"

#include <dunlin/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace dunlin::program {

enum class scale_end {
    answered,
    not_served,  // there is no such function on this node
    failed,      // refused, or no answer
};

struct scale_outcome {
    std::string node;
    scale_end end = scale_end::failed;
    json answer = nullptr;  // of `dunlin/scale`
    std::string why;        // it did not answer, or has no such function
};

/// What a node has answered when it was asked about that function.
[[nodiscard]] scale_outcome read_scale_outcome(const std::string& node, std::string_view function,
                                               const result<bytes>& reply);

/// The settings that hold, with whom each is from: a line for each node.
[[nodiscard]] std::string scale_table(const std::vector<scale_outcome>& all);
/// What has changed where: a line for each setting of a node.
[[nodiscard]] std::string scale_changes(const std::vector<scale_outcome>& all);
/// One object for each node.
[[nodiscard]] std::string scale_json(const std::vector<scale_outcome>& all);

/// "set on n1 and n2, not on n3; ..." when some failed and others did not; otherwise empty.
[[nodiscard]] std::string scale_left_over(const std::vector<scale_outcome>& all);

}  // namespace dunlin::program
