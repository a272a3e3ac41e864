// SPDX-License-Identifier: Apache-2.0
//
// Runs the stop callbacks of one function on a thread that they may hold.
//
// A stop callback is user code and may wait, so a lane that requests a stop passes it on. However
// many stops come at once, one thread runs them, one after another: they delay callbacks of the
// same function and nothing else. A stop that was taken is run, also when the pool shuts down
// meanwhile. Shared by its pool and the thread that has it; safe from any thread, and never waits
// for a callback.
#pragma once

#include "actors/activation.hpp"

#include <caf/execution_unit.hpp>
#include <caf/ref_counted.hpp>
#include <caf/resumable.hpp>

#include <cstddef>
#include <mutex>
#include <vector>

namespace dunlin::actors {

class stop_courier final : public caf::resumable, public caf::ref_counted {
public:
    /// `threads` outlives what it was given.
    explicit stop_courier(caf::execution_unit& threads) noexcept : threads_(threads) {}

    /// @returns false when it is closed: the caller runs the callback.
    [[nodiscard]] bool take(stop_running stop);
    /// It takes no more.
    void close();

    // For the threads.
    [[nodiscard]] subtype_t subtype() const override { return unspecified; }
    resume_result resume(caf::execution_unit* unit, std::size_t messages) override;
    void intrusive_ptr_add_ref_impl() override { ref(); }
    void intrusive_ptr_release_impl() override { deref(); }

private:
    caf::execution_unit& threads_;
    std::mutex mutex_;
    std::vector<stop_running> waiting_;  // from `first_` on
    std::ptrdiff_t first_ = 0;
    bool with_threads_ = false;  // they resume it until nothing waits
    bool closed_ = false;
};

}  // namespace dunlin::actors
