// SPDX-License-Identifier: Apache-2.0
//
// The W3C trace contexts that the program's calls carry.
//
// A call of a person gets one, so that what it caused is found in the logs of all nodes: its id is
// in each line of a function that ran for it, and in the error that the person sees.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::program {

/// Throws usage_error unless `text` is a traceparent, of version 00 or newer.
void check_trace(std::string_view text);

/// The contexts of calls one after another: the one that was given, or for each a new one of a
/// random id.
class call_traces {
public:
    explicit call_traces(std::string given = {});
    [[nodiscard]] std::string next();

private:
    std::string given_;
    std::uint64_t origin_ = 0;
    std::uint64_t calls_ = 0;
};

}  // namespace dunlin::program
