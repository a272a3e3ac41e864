// SPDX-License-Identifier: Apache-2.0
#include "actors/running_code.hpp"

#include "support/signal_stack.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

namespace dunlin::actors {

constinit thread_local running_code running_here;

namespace {

struct listed {
    std::uint64_t thread;
    running_code* note;
};

struct note_list {
    std::mutex mutex;
    std::uint64_t threads = 0;
    std::vector<listed> notes;
};

// Not destroyed: threads may end after the statics of the process have.
note_list& all() {
    static auto* list = new note_list;
    return *list;
}

std::atomic<bool> signal_stacks_wanted{false};

/// How deep this thread's `code_thread`s are nested, and what the outermost holds.
struct listing {
    int depth = 0;
    std::unique_ptr<support::signal_stack> stack;
};
thread_local listing listed_here;

}  // namespace

code_thread::code_thread() {
    if (listed_here.depth++ != 0) return;
    if (signal_stacks_wanted.load(std::memory_order_relaxed))
        listed_here.stack = std::make_unique<support::signal_stack>();
    auto& list = all();
    const std::lock_guard lock(list.mutex);
    list.notes.push_back({++list.threads, &running_here});
}

code_thread::~code_thread() {
    if (--listed_here.depth != 0) return;
    listed_here.stack.reset();
    auto& list = all();
    const std::lock_guard lock(list.mutex);
    std::erase_if(list.notes, [](const listed& each) { return each.note == &running_here; });
}

void for_each_running(const std::function<void(const code_seen&)>& show) {
    auto& list = all();
    const std::lock_guard lock(list.mutex);
    for (const auto& [thread, note] : list.notes) {
        // The entry before and after: the parts of one entry, or the next look sees it.
        const auto entry = note->entry.load(std::memory_order_acquire);
        const code_seen seen{thread, note->function.load(std::memory_order_acquire),
                             note->deadline_ns.load(std::memory_order_relaxed), entry};
        if (note->entry.load(std::memory_order_relaxed) == entry) show(seen);
    }
}

void want_signal_stacks(bool wanted) noexcept {
    signal_stacks_wanted.store(wanted, std::memory_order_relaxed);
}

}  // namespace dunlin::actors
