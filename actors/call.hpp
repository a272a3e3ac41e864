// SPDX-License-Identifier: Apache-2.0
//
// One invocation while user code works on it: the node's side of the C ABI's `dunlin_call`.
//
// Holds the reply under construction and the operations (calls, timers) that a suspended function
// waits for. A call that runs through uses a thread's spare object; one that suspends is kept by
// its activation. Everything but the stop signal belongs to the activation that runs it.
#pragma once

#include "actors/bundle.hpp"
#include "actors/environment.hpp"
#include "actors/function_info.hpp"
#include "actors/output_buffer.hpp"

#include <dunlin/abi.h>
#include <dunlin/result.hpp>

#include <memory>
#include <vector>

namespace dunlin::actors {
class activation;
class turn_list;
}  // namespace dunlin::actors

/// Opaque to modules.
struct dunlin_call {
    struct operation {
        dunlin_completion done = nullptr;  // null: free
        void* user = nullptr;
        std::uint32_t generation = 0;
        dunlin::actors::bundle_ptr nested;                       // a call to another function, or
        std::shared_ptr<dunlin::actors::operation_timer> timer;  // a timer, or both
    };

    dunlin::actors::activation* owner = nullptr;
    const dunlin::actors::function_info* function = nullptr;
    const dunlin::actors::environment* env = nullptr;
    dunlin::actors::bundle_ptr keep;  // set when the call suspends
    dunlin::actors::invocation* invocation = nullptr;

    dunlin::actors::output_buffer output;
    dunlin::error failure;
    bool failed = false;
    bool finished = false;
    bool has_stop_callback = false;
    dunlin_call_info info{};

    // Of a keyed function's call.
    dunlin::actors::turn_list* turns = nullptr;  // null: it holds no key
    void* state = nullptr;
    bool expiry_said = false;
    std::int64_t expires_ms = 0;

    std::vector<operation> operations;
    std::vector<std::uint32_t> operations_free;  // slots

    /// Takes an invocation; the object is as new afterwards.
    void begin(dunlin::actors::activation& by, const dunlin::actors::function_info& what,
               const dunlin::actors::environment& in, dunlin::actors::invocation& which);
    /// Sends the reply to the invocation's origin and lets go of everything, operations that are
    /// still open too.
    void answer();

    /// Ends one operation, if it is still open, by calling the module back.
    /// @returns whether it was open.
    bool complete(dunlin::actors::answer_address which, std::int32_t code, const std::uint8_t* data,
                  std::size_t size);
    /// Ends all open operations with the reason of the stop.
    void stop_operations();

    [[nodiscard]] dunlin::actors::answer_address open_operation(dunlin_completion done, void* user);
    /// Frees the slot; a timer and a call of the operation end with `code`.
    void close_operation(std::uint32_t slot, std::int32_t code);
    [[nodiscard]] std::size_t operations_open() const noexcept {
        return operations.size() - operations_free.size();
    }
};

namespace dunlin::actors {

/// The table of host functions that every module is given.
[[nodiscard]] const dunlin_host& host_table() noexcept;

/// The text that goes with the reason of a stop.
[[nodiscard]] std::string_view stop_detail(errc reason) noexcept;

}  // namespace dunlin::actors
