// SPDX-License-Identifier: Apache-2.0
//
// Which of several nodes that are told to leave in the same moment may, so that one stays.
//
// A node that is asked to drain asks all members that take calls whether they are about to leave,
// too, and decides when all have answered: it may leave if one of them stays. If all of them leave
// or are about to, the one that asked last stays, and says so to the one that told it to leave.
// What is last is settled by logical time (Lamport: "Time, Clocks, and the Ordering of Events in a
// Distributed System", 1978), then by instance: who asks last has had the questions of all others
// before it answered theirs, or they have its own, so it knows of all; and everybody else leaves.
//
// Pure: messages and the time go in, questions and the verdict come out. Owned by what drives
// the membership; one thread.
#pragma once

#include "runtime/membership/member.hpp"
#include "runtime/membership/message.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dunlin::runtime::membership {

class drain_agreement {
public:
    enum class verdict : std::uint8_t { none, undecided, leaves, stays };

    /// Until a question that was not answered is sent again.
    static constexpr std::int64_t ask_again_ns = 250'000'000;
    /// A member that lives and has not answered by then knows nothing of this, and stays.
    static constexpr std::int64_t patience_ns = 2'000'000'000;

    explicit drain_agreement(instance_id self) noexcept : self_(self) {}

    /// Somebody tells this node to leave. `others`: the living members that take calls. Nothing
    /// happens while it is undecided, and when it leaves already.
    void begin(std::span<const instance_id> others, std::int64_t now_ns);
    /// It leaves whatever the others do.
    void leave() noexcept;
    /// That member is gone, or takes no calls any more.
    void gone(instance_id member);

    /// @returns the answer, for the asker.
    [[nodiscard]] message heard_question(instance_id from, std::uint32_t stamp);
    void heard_answer(instance_id from, const message& what);

    /// What to send now; empty when there is nothing.
    void take_questions(std::int64_t now_ns, std::vector<instance_id>& to);
    [[nodiscard]] message question() const;
    /// `leaves` and `stays` once only: then it leaves, or is as before.
    [[nodiscard]] verdict decide(std::int64_t now_ns);
    /// When to call the two above again; the largest number if there is nothing to wait for.
    [[nodiscard]] std::int64_t next_ns() const noexcept;
    [[nodiscard]] bool leaving() const noexcept { return intent_ == drain_intent::leaves; }

private:
    struct other {
        instance_id member = no_instance;
        bool answered = false;
        drain_intent intent = drain_intent::stays;
        std::uint32_t stamp = 0;
    };
    [[nodiscard]] other* find(instance_id member) noexcept;

    instance_id self_;
    drain_intent intent_ = drain_intent::stays;
    std::uint32_t clock_ = 0;  // the latest stamp that was heard or used
    std::uint32_t stamp_ = 0;  // of the own question
    std::vector<other> others_;
    std::int64_t ask_ns_ = 0;
    std::int64_t until_ns_ = 0;
};

}  // namespace dunlin::runtime::membership
