// SPDX-License-Identifier: Apache-2.0
//
// A stack of its own for the signal handlers of one thread.
//
// A thread whose stack has overflowed has none left for a handler (sigaltstack). One that has such
// a stack already, as sanitizers give to each, keeps it. Made and destroyed on the thread itself.
#pragma once

#include <csignal>
#include <cstddef>
#include <memory>

namespace dunlin::support {

class signal_stack {
public:
    /// Enough for a handler that unwinds a stack and prints it.
    static constexpr std::size_t bytes = 64 * 1024;

    signal_stack() {
        stack_t before{};
        if (sigaltstack(nullptr, &before) != 0 || (before.ss_flags & SS_DISABLE) == 0) return;
        memory_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
        stack_t mine{};
        mine.ss_sp = memory_.get();
        mine.ss_size = bytes;
        if (sigaltstack(&mine, nullptr) != 0) memory_.reset();
    }
    signal_stack(const signal_stack&) = delete;
    signal_stack& operator=(const signal_stack&) = delete;
    ~signal_stack() {
        if (!memory_) return;
        stack_t none{};
        none.ss_flags = SS_DISABLE;
        sigaltstack(&none, nullptr);
    }

private:
    std::unique_ptr<std::byte[]> memory_;
};

}  // namespace dunlin::support
