// SPDX-License-Identifier: Apache-2.0
//
// Calls that other nodes have: how each is sent, found again when its answer comes, and called off.
//
// A call that was sent stays in the lane's ledger with all it needs to be sent again. On its link
// it is named by its place in the ledger and by which sending of it this is, so the answer to a
// sending that was given up finds nothing, and a call gets one answer. Owned by a lane; one thread.
#pragma once

#include "runtime/calls/ledger.hpp"
#include "runtime/link/link_counters.hpp"
#include "runtime/link/links.hpp"

#include <cstddef>
#include <cstdint>

namespace dunlin::runtime {

class outbound_calls {
public:
    /// `instance`: of this node, which names calls that have no name.
    outbound_calls(ledger& calls, links& over, link_counters& counters, std::uint64_t instance)
        : calls_(calls),
          links_(over),
          counters_(counters),
          instance_(instance) {}

    /// Whether the entry may be sent once more.
    [[nodiscard]] static bool can_carry(const ledger_entry& entry) noexcept {
        return entry.slot < (std::uint32_t{1} << slot_bits) &&
               entry.sends < ledger_entry::sends_max;
    }
    /// @pre `can_carry(entry)`, and the link has a place in the entry's route.
    void send(ledger_entry& entry, peer_link& to, std::int64_t now_ns);
    /// The call that an answer is for; null when that sending of it is not under way there any
    /// more.
    [[nodiscard]] ledger_entry* find(const peer_link& link, std::uint64_t id) noexcept;
    /// Nobody waits for it any more: its node is asked to stop it.
    void withdraw(ledger_entry& entry);
    /// Forgets an entry that is about to be closed.
    void detach(ledger_entry& entry) noexcept;

    /// This node stops. The node that has a call is asked to stop it as well, and to say whether it
    /// had begun; from now on none goes elsewhere, and each is answered by what its node says,
    /// until `end_recall`.
    void recall_all();
    void end_recall() noexcept { recalls_ = false; }
    [[nodiscard]] bool recalls() const noexcept { return recalls_; }

    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// Whether other nodes are about to answer: a call was sent a moment ago and is still open.
    [[nodiscard]] bool answers_due(std::int64_t now_ns) const noexcept {
        return count_ != 0 && now_ns - sent_ns_ < due_ns;
    }

private:
    /// What has not answered so long after the last call was sent has long functions.
    static constexpr std::int64_t due_ns = 1'000'000;
    /// The lowest bits of a call's id on a link are its slot in the ledger.
    static constexpr unsigned slot_bits = 24;
    [[nodiscard]] static std::uint64_t id_of(const ledger_entry& entry) noexcept {
        return std::uint64_t{entry.generation} << 32 | std::uint64_t{entry.sends} << slot_bits |
               entry.slot;
    }
    void append_cancel(peer_link& link, std::uint64_t id);

    ledger& calls_;
    links& links_;
    link_counters& counters_;
    const std::uint64_t instance_;
    std::size_t count_ = 0;     // on all links
    std::int64_t sent_ns_ = 0;  // the last one
    bool recalls_ = false;
};

}  // namespace dunlin::runtime
