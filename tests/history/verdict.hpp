// SPDX-License-Identifier: Apache-2.0
//
// What a history of one key comes to. Plain data.
#pragma once

#include "tests/history/operation.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::history {

enum class judgement : std::uint8_t {
    linearizable,
    not_linearizable,
    undecided,  // the search was ended by its limit; not a pass
};

struct verdict {
    judgement what = judgement::linearizable;
    std::string why;                // a sentence; empty if all is well
    std::vector<operation> window;  // the few operations that show it, by time of call
    std::uint64_t steps = 0;        // of the search; 0: none was needed

    [[nodiscard]] bool good() const noexcept { return what == judgement::linearizable; }
};

}  // namespace dunlin::history
