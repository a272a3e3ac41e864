// SPDX-License-Identifier: Apache-2.0
#include "runtime/node_state.hpp"

#include "runtime/log.hpp"
#include "runtime/store/open_store.hpp"
#include "runtime/unshared_spaces.hpp"

#include <utility>

namespace dunlin::runtime {

result<void> node_state::open(const std::vector<loaded_module>& modules,
                              const node_config& config) {
    std::vector<const actors::function_info*> keyed;
    for (const auto& module : modules)
        for (const auto& function : module.functions)
            if (function.keyed()) keyed.push_back(&function);
    if (keyed.empty()) return {};
    asked_for_ = !config.state.data.empty();
    if (actors::hot_state::needs_store(keyed)) {
        auto opened = open_store(config);
        if (!opened) return std::move(opened.error());
        store_ = std::move(*opened);
        folder_ = state_folder_of(config);
    }
    spaces_ = std::make_unique<actors::hot_state>(
        actors::hot_state::options{config.state.cache_bytes_max, config.state.waiting_max},
        store_.get(),
        [](const error& why) {
            log().error("the store has failed", {{"why", why.detail}});
        },
        &actors::unix_ms);
    auto opened = spaces_->open(keyed);
    if (opened) spaces_->start();
    return opened;
}

void node_state::seen(const cluster_view& view) const {
    if (spaces_) refuse_unshared_spaces(*spaces_, view, asked_for_);
}

void node_state::end() const {
    if (spaces_) spaces_->end();
}

}  // namespace dunlin::runtime
