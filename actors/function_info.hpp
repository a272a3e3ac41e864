// SPDX-License-Identifier: Apache-2.0
//
// A function as its module describes it, copied out of the C ABI once at load.
//
// Immutable; the code behind `run` stays loaded as long as the process lives.
#pragma once

#include "actors/scale_wishes.hpp"

#include <dunlin/abi.h>

#include <cstdint>
#include <string>

namespace dunlin::actors {

struct function_info {
    std::string name;  // full: "module/function"
    std::string module_name;
    std::string module_version;
    std::string description;
    std::string input_schema;   // JSON; empty: not described
    std::string output_schema;  // JSON; empty: not described
    scale_wishes scale{};       // its author's
    std::uint32_t flags = 0;
    void* self = nullptr;
    decltype(dunlin_function::run) run = nullptr;
    std::string key_field;  // "visitor", "page.visitor"; empty: callers give keys
    std::string space;      // of its state, or of its turns; empty: none
    const dunlin_state_type* state = nullptr;  // null: none
    bool writes_state = false;
    std::uint32_t state_mode = 0;  // DUNLIN_STATE_DURABLE, ...; 0: not said

    [[nodiscard]] bool idempotent() const noexcept { return (flags & DUNLIN_IDEMPOTENT) != 0; }
    [[nodiscard]] bool blocking() const noexcept { return (flags & DUNLIN_BLOCKING) != 0; }
    /// Its calls take turns by key.
    [[nodiscard]] bool keyed() const noexcept { return !space.empty(); }
    [[nodiscard]] bool async() const noexcept { return (flags & DUNLIN_ASYNC) != 0; }
};

}  // namespace dunlin::actors
