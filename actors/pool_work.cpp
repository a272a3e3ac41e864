// SPDX-License-Identifier: Apache-2.0
#include "actors/pool_work.hpp"

#include "actors/activation.hpp"

#include <utility>

namespace dunlin::actors {

std::uint32_t pool_work::mark_cold(bool keyed) const noexcept {
    auto count = static_cast<std::uint32_t>(held.turns.size());
    for (const auto& each : held.turns) each.call().cold = true;
    for (std::uint32_t i = 0; work && i < work->size(); ++i) {
        auto& call = (*work)[i];
        // Of those that wait for a key another activation may have a hold already.
        if (keyed && call.turn == nullptr) continue;
        call.cold = true;
        ++count;
    }
    return count;
}

void pool_work::start_on(activation& ready) && {
    if (work)
        ready.start(std::move(work));
    else
        ready.start(std::move(held));
}

std::uint32_t holders_in(bundle& work) noexcept {
    std::uint32_t holders = 0;
    for (std::uint32_t i = 0; i < work.size(); ++i) holders += work[i].turn != nullptr ? 1 : 0;
    return holders;
}

}  // namespace dunlin::actors
