// SPDX-License-Identifier: Apache-2.0
//
// A real node inside the test, with the modules `bench` and `faults`, on a port of the system's
// choice.
//
// Every test runs with nodes of one lane, and again, as `cluster-3-lanes/...`, with nodes of three:
// DUNLIN_TEST_LANES says how many. A test that is about lanes sets their number itself.
#pragma once

#include "runtime/node.hpp"
#include "test_paths.hpp"
#include "tests/support/catch.hpp"

#include <dunlin/codec.hpp>
#include <dunlin/fields.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
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

/// What `bench/spin`, `bench/nap` and `bench/sleep` take.
struct time_us {
    std::uint64_t us = 0;
    DUNLIN_FIELDS(us)
};

[[nodiscard]] inline std::size_t lanes_under_test() {
    const char* told = std::getenv("DUNLIN_TEST_LANES");
    return told == nullptr ? 1 : std::stoul(told);
}

/// What `faults/pass_on` takes.
struct inner_call {
    std::string function;
    std::string input;
    std::string key;
    DUNLIN_FIELDS(function, input, key)
};

[[nodiscard]] inline runtime::node_config node_settings() {
    runtime::node_config config;
    config.name = "under-test";
    config.listen = "tcp://127.0.0.1:0";
    config.modules = {module_file("bench"), module_file("faults")};
    config.lanes = lanes_under_test();
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
