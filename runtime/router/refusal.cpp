// SPDX-License-Identifier: Apache-2.0
#include "runtime/router/refusal.hpp"

namespace dunlin::runtime {

void record_refusal(const actors::pool& pool, std::uint32_t calls, std::string_view rule,
                    const actors::decision_inputs& inputs, error& why) {
    const auto& env = pool.env();
    if (env.decisions == nullptr) return;
    const auto& function = pool.info().name;
    const auto number = env.decisions->add(env.decisions->series_of(function), env.time.now_ns(),
                                           {.kind = actors::decision_kind::refuse,
                                            .rule = rule,
                                            .of = "calls",
                                            .before = 0,
                                            .after = calls,
                                            .inputs = inputs});
    why.detail += env.decisions->reference(function, number);
}

}  // namespace dunlin::runtime
