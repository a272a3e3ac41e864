// SPDX-License-Identifier: Apache-2.0
//
// A received frame, kept alive by the bundles whose invocations point into it.
//
// Counted in the node's budget, and in its caller's share, from when it is begun until the last of
// them is gone: with what its calls take in queues and ledgers, which is more than a small payload.
// One call is counted in advance, so that a frame with one call counts once.
// Made by the lane; let go by whichever thread lets the last bundle go.
#pragma once

#include "actors/bundle.hpp"
#include "runtime/calls/ledger_entry.hpp"
#include "runtime/lane/memory_budget.hpp"

#include <zmq.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace dunlin::runtime {

class budgeted_frame final : public actors::frame_memory {
public:
    budgeted_frame(zmq::message_t message, memory_budget& counted_by,
                   const frame_owner& of = {}) noexcept
        : message_(std::move(message)),
          budget_(counted_by),
          account_(of.account),
          counted_(message_.size() + sizeof(budgeted_frame) + one_call_bytes),
          verdict_(counted_by.take(counted_, of)) {}
    ~budgeted_frame() override { budget_.give_back(counted_, account_); }

    /// Its sender has said hello in it.
    void belongs_to(const frame_owner& of) noexcept {
        if (account_ != nullptr || of.account == nullptr) return;
        account_ = of.account;
        verdict_ = budget_.assign(counted_, of);
    }
    /// Its calls stand in this bundle as well, which has been filled.
    void carries(const actors::bundle& work) noexcept {
        const auto bytes = work.bytes() + work.size() * sizeof(ledger_entry);
        const auto in_advance = std::min(advance_, bytes);
        advance_ -= in_advance;
        if (bytes == in_advance) return;
        counted_ += bytes - in_advance;
        budget_.take_more(bytes - in_advance, account_);
    }

    [[nodiscard]] bool fits() const noexcept { return verdict_ == byte_shares::verdict::fits; }
    [[nodiscard]] byte_shares::verdict verdict() const noexcept { return verdict_; }
    /// What its caller holds, with this frame.
    [[nodiscard]] std::size_t held_by_caller() const noexcept {
        return account_ == nullptr ? counted_ : account_->held();
    }
    [[nodiscard]] bytes_view view() const noexcept {
        return {static_cast<const std::byte*>(message_.data()), message_.size()};
    }

private:
    static constexpr std::size_t one_call_bytes =
        sizeof(actors::bundle) + 2 * sizeof(actors::invocation) + sizeof(ledger_entry);

    zmq::message_t message_;
    memory_budget& budget_;
    caller_bytes* account_;  // alive as long as something is counted in it
    std::size_t advance_ = one_call_bytes;
    std::size_t counted_;
    byte_shares::verdict verdict_;
};

}  // namespace dunlin::runtime
