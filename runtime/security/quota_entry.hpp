// SPDX-License-Identifier: Apache-2.0
//
// One [[quota]] of an allow-list: how much the keys of one name may ask of a node.
//
//     [[quota]]
//     name = "shop"       # of an [[allow]] entry
//     concurrency = 100   # calls unanswered at once
//     rate = 500          # calls a second ...
//     burst = 1000        # ... and so many at once after a pause; the rate if nothing is said
//     weight = 2          # share beside other callers; 1 if nothing is said
//
// What is no number, or none that anybody can mean, is an error with its place in the file. Whether
// the name is in the list is for the list to say. Pure; any thread.
#pragma once

#include "runtime/security/quota.hpp"

#include <dunlin/result.hpp>

#include <toml++/toml.h>

#include <string>

namespace dunlin::runtime {

struct quota_entry {
    std::string name;
    quota what;
    toml::source_region name_at;
};

/// `path` appears in errors. Errors: `invalid_argument`.
[[nodiscard]] result<quota_entry> read_quota(const std::string& path, const toml::table& from);

}  // namespace dunlin::runtime
