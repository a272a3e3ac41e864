// SPDX-License-Identifier: Apache-2.0
//
// Decision: whether a function that runs ought to have returned by now.
//
// Fed with what is seen of one thread from time to time. A call with a deadline is overdue some
// time after it, for it was told to stop then and may take a moment; one without after a minute.
// Pure: time is handed in. One for each thread that is looked at.
#pragma once

#include "actors/limits.hpp"
#include "actors/running_code.hpp"

#include <cstdint>
#include <limits>

namespace dunlin::actors {

class overdue_detector {
public:
    enum class change : std::uint8_t { none, overdue, returned };

    /// `seen` is what the thread runs at `now_ns`, perhaps nothing.
    /// @returns what has become of the function that it ran before.
    change observe(const code_seen& seen, std::int64_t now_ns) noexcept {
        if (seen.function == function_ && (function_ == nullptr || seen.entry == entry_)) {
            if (function_ == nullptr || overdue_ || now_ns < due_ns(seen)) return change::none;
            overdue_ = true;
            return change::overdue;
        }
        const bool returned = overdue_;
        returned_ = function_;
        held_before_ns_ = now_ns - since_ns_;
        function_ = seen.function;
        entry_ = seen.entry;
        since_ns_ = now_ns;
        overdue_ = false;
        return returned ? change::returned : change::none;
    }

    /// The function that `observe` told of.
    [[nodiscard]] pool* subject(change what) const noexcept {
        return what == change::returned ? returned_ : function_;
    }
    /// For how long it was seen running.
    [[nodiscard]] std::int64_t held_ns(change what, std::int64_t now_ns) const noexcept {
        return what == change::returned ? held_before_ns_ : now_ns - since_ns_;
    }
    [[nodiscard]] bool idle() const noexcept { return function_ == nullptr; }

private:
    [[nodiscard]] std::int64_t due_ns(const code_seen& seen) const noexcept {
        if (seen.deadline_ns == std::numeric_limits<std::int64_t>::max())
            return since_ns_ + limits::overdue_without_deadline_ns;
        return seen.deadline_ns + limits::overdue_after_deadline_ns;
    }

    pool* function_ = nullptr;
    std::uint64_t entry_ = 0;
    std::int64_t since_ns_ = 0;
    bool overdue_ = false;
    pool* returned_ = nullptr;
    std::int64_t held_before_ns_ = 0;
};

}  // namespace dunlin::actors
