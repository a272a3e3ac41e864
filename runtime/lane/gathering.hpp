// SPDX-License-Identifier: Apache-2.0
//
// What a lane holds while it reads a frame: the frame's memory, and the bundles being filled.
//
// Calls for one pool that follow each other share a bundle; calls that go to other nodes stand in
// bundles of their own, which nobody runs, so that what is needed to send them again stays.
// Lives on the stack of the lane's thread for the time of one slice of a frame (bulk_frames.hpp).
#pragma once

#include "actors/bundle.hpp"
#include "runtime/calls/call_window.hpp"
#include "runtime/lane/budgeted_frame.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace dunlin::actors {
class pool;
}

namespace dunlin::runtime {

struct function_route;

struct gathering {
    budgeted_frame& memory;
    actors::pool* pool = nullptr;
    function_route* route = nullptr;  // when other nodes serve `function` too
    std::string_view function{};
    std::string_view judged{};  // on a node with a key: whether the peer may call this function
    bool permitted = false;
    std::optional<error> unknown{};  // when no pool serves `function`
    actors::bundle_ptr work{};
    actors::bundle_ptr away{};
    std::size_t envelopes_expected = 1;
    std::size_t received = 0;     // calls that are not counted yet
    call_window::ticket named{};  // of the call being read, until it has an entry
};

}  // namespace dunlin::runtime
