// SPDX-License-Identifier: Apache-2.0
//
// Which function's code each thread runs, visible from outside the thread.
//
// A function that never returns, or that crashes, cannot say so itself. Each thread that runs user
// code notes what it enters (`code_note`, some plain stores for each call and no clock), and
// two kinds of outsiders read it: `overdue_watch`, which looks at all threads from time to time,
// and the program's signal handler, which looks at its own.
// A thread writes only its own note; the list of notes is for any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace dunlin::actors {

class pool;

/// The note of one thread. Never destroyed before its thread, so a signal handler may read its own.
struct running_code {
    std::atomic<pool*> function{nullptr};      // null: none
    std::atomic<std::int64_t> deadline_ns{0};  // of the call
    std::atomic<std::uint64_t> entry{0};       // counts what was entered
};

/// Of this thread.
extern constinit thread_local running_code running_here;

/// Notes what this thread runs for as long as it lives. May be nested: a function may end another's
/// call, and so run its stop callback.
class code_note {
public:
    code_note(pool& running, std::int64_t deadline_ns) noexcept
        : outer_(running_here.function.load(std::memory_order_relaxed)) {
        constexpr auto relaxed = std::memory_order_relaxed;
        running_here.deadline_ns.store(deadline_ns, relaxed);
        running_here.entry.store(running_here.entry.load(relaxed) + 1, relaxed);
        running_here.function.store(&running, std::memory_order_release);
    }
    ~code_note() { running_here.function.store(outer_, std::memory_order_relaxed); }
    code_note(const code_note&) = delete;
    code_note& operator=(const code_note&) = delete;

private:
    pool* outer_;
};

/// What an outsider saw in a note.
struct code_seen {
    std::uint64_t thread = 0;  // a number that is never used again
    pool* function = nullptr;
    std::int64_t deadline_ns = 0;
    std::uint64_t entry = 0;
};

/// Puts this thread's note into the list for as long as it lives, and gives the thread a stack for
/// signal handlers where the program wants that. May be nested; on the thread itself.
class code_thread {
public:
    code_thread();
    ~code_thread();
    code_thread(const code_thread&) = delete;
    code_thread& operator=(const code_thread&) = delete;
};

/// Shows what every thread of the process in the list runs now. Threads come and go only between
/// two looks, so what it shows is short.
void for_each_running(const std::function<void(const code_seen&)>& show);

/// Whether threads listed from now on get a stack for signal handlers: without one, a handler for
/// an overflow of the stack has none to run on. For the program, before it makes threads.
void want_signal_stacks(bool wanted) noexcept;

}  // namespace dunlin::actors
