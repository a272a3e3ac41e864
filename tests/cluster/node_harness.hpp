// SPDX-License-Identifier: Apache-2.0
//
// A real node inside the test, with the modules `bench` and `faults`, on a port of the system's
// choice.
#pragma once

#include "runtime/node.hpp"
#include "test_paths.hpp"
#include "tests/support/catch.hpp"

#include <dunlin/codec.hpp>
#include <dunlin/fields.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace dunlin::testing {

[[nodiscard]] inline std::string module_file(std::string_view name) {
    return std::string(DUNLIN_TEST_MODULES) + "/" + std::string(name) + ".so";
}

/// What `faults/wait_for` takes: it answers once this event has happened so many times.
struct awaited {
    std::string name;
    int count = 1;
    DUNLIN_FIELDS(name, count)
};

[[nodiscard]] inline runtime::node_config node_settings() {
    runtime::node_config config;
    config.name = "under-test";
    config.listen = "tcp://127.0.0.1:0";
    config.modules = {module_file("bench"), module_file("faults")};
    config.lanes = 1;
    config.scheduler_threads = 2;
    config.activations = 4;
    return config;
}

[[nodiscard]] inline std::unique_ptr<runtime::node> start_node(
    runtime::node_config config = node_settings()) {
    auto started = runtime::node::start(std::move(config));
    INFO((started ? "" : started.error().detail));
    REQUIRE(started);
    return std::move(*started);
}

}  // namespace dunlin::testing
