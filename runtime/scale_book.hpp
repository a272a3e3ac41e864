// SPDX-License-Identifier: Apache-2.0
//
// What holds for the scaling of a node's functions while it runs, and how that is changed.
//
// A change is checked as a whole and takes effect at once, or is refused and changes nothing. It
// lasts as long as the node: another start begins with the node's file again. Owned by the node;
// any thread. One change at a time, so that the pool has what the last one said.
#pragma once

#include "runtime/router/function_registry.hpp"
#include "runtime/scale_layers.hpp"

#include <dunlin/result.hpp>

#include <mutex>
#include <string_view>

namespace dunlin::runtime {

/// What one change did.
struct scale_change {
    settled_scale before;
    settled_scale after;
};

class scale_book {
public:
    explicit scale_book(const function_registry& functions) : functions_(functions) {}

    /// Before there are pools.
    void use(scale_plan plan);
    /// What a pool starts with; the defaults for the node's own functions.
    [[nodiscard]] actors::scale_settings settings_of(std::string_view function) const;

    /// Puts what is said over what was said at run time before. Nothing said: changes nothing.
    /// Errors: `invalid_argument`, for an unknown function ("no function NAME on this node...") and
    /// for a minimum above a maximum.
    [[nodiscard]] result<scale_change> change(std::string_view function,
                                              const actors::scale_wishes& said);
    /// Takes back all that was said at run time.
    [[nodiscard]] result<scale_change> reset(std::string_view function);

private:
    [[nodiscard]] result<scale_layers*> find(std::string_view function);
    [[nodiscard]] result<scale_change> take(std::string_view function, scale_layers& old,
                                            const scale_layers& wanted);

    const function_registry& functions_;
    mutable std::mutex mutex_;
    scale_plan plan_;      // of functions about which somebody has said something
    scale_layers unsaid_;  // of all others: they may be thousands
};

}  // namespace dunlin::runtime
