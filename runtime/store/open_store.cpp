// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/open_store.hpp"

#include "actors/environment.hpp"
#include "runtime/log.hpp"
#include "runtime/store/deferred_store.hpp"
#include "runtime/store/postgres_store.hpp"
#include "runtime/store/rocks_store.hpp"
#include "runtime/text/store_url.hpp"

#include <utility>

namespace dunlin::runtime {

result<void> check_store_choice(const node_config& config) {
    const auto& state = config.state;
    if (!state.data.empty() && !state.store.empty())
        return {errc::invalid_argument,
                "the node is given two places for its state, the folder " + state.data +
                    " (--data, state.data) and " + shown_store_url(state.store) +
                    " (--store, state.store); say only the second if several nodes serve the same "
                    "state, otherwise only the first"};
    return check_store_url(state.store);
}

bool store_is_named(const node_config& config) noexcept {
    return !config.state.data.empty() || !config.state.store.empty();
}

std::string state_place_of(const node_config& config) {
    if (!config.state.store.empty()) return shown_store_url(config.state.store);
    return config.state.data.empty() ? "./dunlin-data" : config.state.data;
}

result<std::unique_ptr<actors::state_store>> open_store(const node_config& config) {
    if (!config.state.store.empty()) {
        store::postgres_settings shared;
        shared.url = config.state.store;
        shared.cluster = config.cluster;
        return store::open_postgres_store(std::move(shared));
    }
    store::rocks_settings embedded;
    embedded.cluster = config.cluster;
    embedded.node = config.state.node;
    embedded.now_ms = &actors::unix_ms;
    embedded.directory = state_place_of(config);
    if (!config.state.data.empty()) return store::open_rocks_store(std::move(embedded));
    auto open = [embedded] {
        auto opened = store::open_rocks_store(embedded);
        if (opened)
            log().info("state is kept in the working directory", {{"folder", embedded.directory}});
        return opened;
    };
    return std::unique_ptr<actors::state_store>(
        std::make_unique<deferred_store>(std::move(open), "RocksDB in " + state_place_of(config)));
}

}  // namespace dunlin::runtime
