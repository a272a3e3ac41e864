// SPDX-License-Identifier: Apache-2.0
//
// The functions of a cluster, from what each of its nodes says of its own.
//
// One entry for each name, with the nodes that serve it. Counts are added up; what nodes of
// different versions say differently is what the first of them says. Pure. For source files only.
#pragma once

#include "runtime/program/lenient_json.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace dunlin::program {

struct listed_function {
    json about;  // as `dunlin/functions` describes it
    std::vector<std::string> nodes;
};

class function_list {
public:
    /// The answer of one node. Errors: it is no list.
    [[nodiscard]] result<void> add(const std::string& node, bytes_view answer);

    /// By name.
    [[nodiscard]] const std::vector<listed_function>& functions() const noexcept { return all_; }
    /// In the order of their answers.
    [[nodiscard]] const std::vector<std::string>& nodes() const noexcept { return nodes_; }
    [[nodiscard]] const listed_function* find(std::string_view name) const;

private:
    std::vector<listed_function> all_;
    std::vector<std::string> nodes_;
};

}  // namespace dunlin::program
