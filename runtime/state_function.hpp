// SPDX-License-Identifier: Apache-2.0
//
// The node's own function `dunlin/state`: looks at the state of keyed functions, and changes it.
//
// What it does with a key is a turn like those of functions: it waits for those before it, sees
// what they have done, and answers a change when the store has it. Values travel as they are
// encoded; one that the state's type cannot read is refused before anything changes. Of a key that
// another node owns, and of a space that this one does not serve, it says who is to be asked. It
// sees and changes what callers of functions may not, so only operators may call it where there are
// keys. Owned by the node; runs on threads that may wait.
#pragma once

#include "actors/function_info.hpp"
#include "actors/hot_state.hpp"
#include "runtime/owner_lookup.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace dunlin::runtime {

class state_function {
public:
    explicit state_function(std::string node_name) : node_name_(std::move(node_name)) {}

    /// Before the node serves. Without: it has no state to look at.
    void use(actors::hot_state& state) noexcept { state_ = &state; }
    /// Who is to be asked for a key that another node owns.
    void find_owners(owner_lookup& by, std::uint64_t own_instance) noexcept {
        owners_ = &by;
        instance_ = own_instance;
    }
    /// To be registered; its `self` points to this object.
    [[nodiscard]] actors::function_info info();

private:
    static std::int32_t run(void* self, const dunlin_host* host, dunlin_call* call,
                            const std::uint8_t* payload, std::size_t payload_size);

    actors::hot_state* state_ = nullptr;
    owner_lookup* owners_ = nullptr;
    std::uint64_t instance_ = 0;
    std::string node_name_;
};

}  // namespace dunlin::runtime
