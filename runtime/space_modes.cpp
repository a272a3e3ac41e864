// SPDX-License-Identifier: Apache-2.0
#include "runtime/space_modes.hpp"

#include "runtime/text/suggest.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace dunlin::runtime {

namespace {

struct list {
    std::string_view setting;
    const std::vector<std::string>& spaces;
    std::uint32_t mode;
};

error refused(const list& by, const std::string& space, const std::string& why) {
    return {errc::invalid_argument,
            std::string(by.setting) + " names space '" + space + "', " + why};
}

}  // namespace

result<actors::hot_state::mode_table> modes_of(
    const std::vector<const actors::function_info*>& keyed, const state_config& said) {
    std::vector<std::string> known;
    for (const auto* each : keyed) known.push_back(each->space);
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());

    actors::hot_state::mode_table modes;
    for (const auto& by : {list{"state.durable", said.durable, DUNLIN_STATE_DURABLE},
                           list{"state.relaxed", said.relaxed, DUNLIN_STATE_RELAXED},
                           list{"state.ephemeral", said.ephemeral, DUNLIN_STATE_EPHEMERAL}}) {
        for (const auto& space : by.spaces) {
            if (!std::binary_search(known.begin(), known.end(), space)) {
                const auto hint = did_you_mean(space, known);
                return refused(by, space,
                               "which no function of this node's modules names" +
                                   (hint.empty() ? "; load its module, or take it out" : hint));
            }
            const auto [at, fresh] = modes.emplace(space, by.mode);
            if (!fresh && at->second != by.mode)
                return refused(by, space, "which another list names as well; it has one mode");
        }
    }
    return modes;
}

}  // namespace dunlin::runtime
