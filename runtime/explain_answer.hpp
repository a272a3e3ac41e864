// SPDX-License-Identifier: Apache-2.0
//
// What `dunlin/explain` takes and answers: a question about a node's decisions, and the records.
//
// Records have the node's steady time, of which nobody elsewhere knows anything; here it becomes
// time of day. An answer is bounded, and says how far it has read, so that who wants more goes on
// from there. Pure; any thread.
#pragma once

#include "actors/decision_log.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::runtime {

/// Records in one answer: some 300 KB, far below what a payload may weigh.
inline constexpr std::size_t explain_limit_max = 1024;
inline constexpr std::size_t explain_limit_usual = 100;

struct explain_question {
    std::string function{};  // empty: all
    /// The first ones after this number; otherwise the last ones.
    std::optional<std::uint64_t> after{};
    std::size_t limit = explain_limit_usual;
    bool settled = false;  // without those that may still grow
};

/// One moment on both clocks.
struct explain_clocks {
    std::int64_t steady_ns = 0;
    std::int64_t unix_us = 0;
    [[nodiscard]] static explain_clocks now();
};

/// Errors: `invalid_argument`, with what the function takes. A larger limit than is possible is no
/// error.
[[nodiscard]] result<explain_question> read_explain_question(const std::uint8_t* payload,
                                                             std::size_t size);

/// As one msgpack value. `served`: the node serves the function.
[[nodiscard]] std::vector<std::uint8_t> explain_answer(const actors::decision_log& decisions,
                                                       const explain_question& asked,
                                                       const std::string& node, bool served,
                                                       const explain_clocks& now);

}  // namespace dunlin::runtime
