// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/open_store.hpp"

#include "actors/environment.hpp"
#include "runtime/log.hpp"
#include "runtime/store/deferred_store.hpp"
#include "runtime/store/rocks_store.hpp"

#include <utility>

namespace dunlin::runtime {

std::string state_folder_of(const node_config& config) {
    return config.state.data.empty() ? "./dunlin-data" : config.state.data;
}

result<std::unique_ptr<actors::state_store>> open_store(const node_config& config) {
    store::rocks_settings embedded;
    embedded.cluster = config.cluster;
    embedded.now_ms = &actors::unix_ms;
    embedded.directory = state_folder_of(config);
    if (!config.state.data.empty()) return store::open_rocks_store(std::move(embedded));
    auto open = [embedded] {
        auto opened = store::open_rocks_store(embedded);
        if (opened)
            log().info("state is kept in the working directory", {{"folder", embedded.directory}});
        return opened;
    };
    return std::unique_ptr<actors::state_store>(
        std::make_unique<deferred_store>(std::move(open), "RocksDB in " + state_folder_of(config)));
}

}  // namespace dunlin::runtime
