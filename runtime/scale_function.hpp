// SPDX-License-Identifier: Apache-2.0
//
// The node's own function `dunlin/scale`: shows how a function is scaled and by whom, and changes
// that.
//
// It changes things, so only operators may call it where there are keys. What it is given is read
// strictly: a name that it does not know is an error, not a setting that has no effect. Owned by
// the node; runs on the threads of blocking functions, since a change may start many activations.
#pragma once

#include "actors/function_info.hpp"
#include "runtime/scale_book.hpp"

#include <string>
#include <utility>

namespace dunlin::runtime {

class scale_function {
public:
    scale_function(scale_book& book, std::string node_name)
        : book_(book),
          node_name_(std::move(node_name)) {}

    /// To be registered; its `self` points to this object.
    [[nodiscard]] actors::function_info info();

private:
    static std::int32_t run(void* self, const dunlin_host* host, dunlin_call* call,
                            const std::uint8_t* payload, std::size_t payload_size);

    scale_book& book_;
    std::string node_name_;
};

}  // namespace dunlin::runtime
