// SPDX-License-Identifier: Apache-2.0
//
// The node's own function `dunlin/record`: begins a recording of how many calls come, tells what
// has come, and ends it.
//
// A reader asks again and again for what came since, some times a minute; see arrival_recorder.hpp
// for what becomes of a recording that nobody reads. What it is given is read strictly. Owned by
// the node; runs on the threads of blocking functions, since it may make a thread.
#pragma once

#include "actors/function_info.hpp"
#include "runtime/arrival_recorder.hpp"

#include <string>
#include <utility>

namespace dunlin::runtime {

class record_function {
public:
    record_function(const function_registry& functions, std::string node_name)
        : recorder_(functions),
          node_name_(std::move(node_name)) {}

    /// To be registered; its `self` points to this object.
    [[nodiscard]] actors::function_info info();

private:
    static std::int32_t run(void* self, const dunlin_host* host, dunlin_call* call,
                            const std::uint8_t* payload, std::size_t payload_size);

    arrival_recorder recorder_;
    std::string node_name_;
};

}  // namespace dunlin::runtime
