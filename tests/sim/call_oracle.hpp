// SPDX-License-Identifier: Apache-2.0
//
// Knows every call of a simulated cluster, and what must hold of each.
//
// A call has one answer, at its deadline at the latest; no attempt of it runs twice, and a call of
// a function that is not idempotent runs once at most, however often it is sent; what is answered
// with a value has run, and what is said not to have run has not, before or after that. What
// fails is collected in `violations`. One owner, one thread.
#pragma once

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <queue>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::sim {

/// Of a call, everywhere; the first is 1.
using call_number = std::uint32_t;

class call_oracle {
public:
    /// The timers of clients tick every millisecond or so, and answers leave in the same turn.
    static constexpr std::int64_t grace_ns = 5'000'000;

    struct counts {
        std::uint64_t calls = 0;
        std::uint64_t values = 0;
        std::uint64_t errors = 0;
        std::uint64_t runs = 0;
        std::uint64_t repeated = 0;           // calls that ran more than once, as they may
        std::uint64_t orphaned = 0;           // calls whose client died first
        std::map<errc, std::uint64_t> codes;  // of the errors

        counts& operator+=(const counts& more);
    };

    call_number begin(std::uint32_t client, bool idempotent, std::int64_t deadline_ns);
    void ran(call_number which, std::uint32_t attempt, const std::string& where,
             std::int64_t now_ns);
    void answered(call_number which, const result<void>& with, std::int64_t now_ns);
    /// Nobody waits for its calls any more.
    void client_died(std::uint32_t client);
    /// Looks for calls that are overdue. To be called often.
    void check(std::int64_t now_ns);

    void violated(std::int64_t now_ns, const std::string& what);
    /// Calls without an answer.
    [[nodiscard]] std::size_t open() const noexcept { return open_; }
    /// The nodes that ran it, in their order.
    [[nodiscard]] const std::vector<std::string>& places(call_number which) {
        return at(which).places;
    }
    [[nodiscard]] const counts& counted() const noexcept { return counted_; }

    std::vector<std::string> violations;

private:
    struct record {
        std::uint32_t client = 0;
        bool idempotent = false;
        bool orphan = false;
        bool said_unrun = false;
        std::int64_t deadline_ns = 0;
        unsigned answers = 0;
        std::vector<std::uint32_t> attempts;  // that ran
        std::vector<std::string> places;      // where
    };
    struct due {
        std::int64_t at_ns;
        call_number which;
        [[nodiscard]] bool operator>(const due& other) const noexcept {
            return at_ns > other.at_ns;
        }
    };

    [[nodiscard]] record& at(call_number which) { return calls_[which - 1]; }

    std::deque<record> calls_;
    std::priority_queue<due, std::vector<due>, std::greater<>> due_;
    std::size_t open_ = 0;
    counts counted_;
};

}  // namespace dunlin::sim
