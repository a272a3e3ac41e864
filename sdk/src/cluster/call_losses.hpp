// SPDX-License-Identifier: Apache-2.0
//
// How many nodes a call was lost with that it may itself have ended.
//
// A call that crashes its process, or takes a machine's last memory, must not be retried from node
// to node until none is left (a poison call). A network that is cut takes nodes from a call as
// well, several at once, and those still live. The two are told apart by what was last seen: a
// connection that was closed counts. One that fell silent counts only if something was heard after
// the call had been sent there, so that the call can have been read, and of attempts that were
// under way at once silence counts once. So a call that takes its machine down before anything else
// is heard from there is told from a cut by nothing; its retries bound that.
//
// Pure: times are handed in. Kept with each call that may be sent again; its owner's thread.
#pragma once

#include <cstdint>

namespace dunlin::cluster {

class call_losses {
public:
    struct loss {
        std::uint64_t instance = 0;  // of the node
        bool silent = false;         // nothing was closed: given up, or declared dead by others
        std::int64_t sent_ns = 0;    // when the call was sent there
        std::int64_t heard_ns = 0;   // when anything was last heard from there
    };

    call_losses() = default;
    /// As an envelope tells it: `first` is the instance of the first node, 0 if it is not known.
    call_losses(std::uint32_t count, std::uint64_t first) noexcept : count_(count), first_(first) {}

    /// @returns whether it counts.
    bool add(const loss& of, std::int64_t now_ns) noexcept {
        // The caller may have lost the call with the same node, before this one knew.
        const bool known = count_ != 0 && first_ == of.instance;
        const bool read = of.heard_ns > of.sent_ns && of.sent_ns >= silence_ns_;
        if (of.silent) silence_ns_ = now_ns;
        if (known || (of.silent && !read)) return false;
        if (count_++ == 0) first_ = of.instance;
        return true;
    }
    /// What nodes on the way have counted, which may be the same losses.
    void at_least(std::uint32_t count) noexcept {
        if (count_ < count) count_ = count;
    }

    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    /// The instance of the first; 0: unknown, or none.
    [[nodiscard]] std::uint64_t first() const noexcept { return first_; }

private:
    std::uint32_t count_ = 0;
    std::uint64_t first_ = 0;
    std::int64_t silence_ns_ = INT64_MIN;  // when a silent node was last given up with the call
};

}  // namespace dunlin::cluster
