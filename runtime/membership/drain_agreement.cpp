// SPDX-License-Identifier: Apache-2.0
#include "runtime/membership/drain_agreement.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace dunlin::runtime::membership {

drain_agreement::other* drain_agreement::find(instance_id member) noexcept {
    const auto found = std::find_if(others_.begin(), others_.end(),
                                    [&](const other& each) { return each.member == member; });
    return found == others_.end() ? nullptr : &*found;
}

void drain_agreement::begin(std::span<const instance_id> others, std::int64_t now_ns) {
    if (intent_ != drain_intent::stays) return;
    intent_ = drain_intent::asks;
    stamp_ = ++clock_;
    others_.clear();
    for (const auto each : others) others_.push_back({each});
    ask_ns_ = now_ns;
    until_ns_ = now_ns + patience_ns;
}

void drain_agreement::leave() noexcept {
    intent_ = drain_intent::leaves;
    others_.clear();
}

void drain_agreement::gone(instance_id member) {
    auto* found = find(member);
    if (found == nullptr) return;
    found->answered = true;
    found->intent = drain_intent::leaves;
}

message drain_agreement::heard_question(instance_id from, std::uint32_t stamp) {
    clock_ = std::max(clock_, stamp);
    // Its answer may still be on its way, and says the same.
    if (auto* found = find(from); found != nullptr && !found->answered) {
        found->intent = drain_intent::asks;
        found->stamp = stamp;
    }
    message answer;
    answer.kind = message_kind::drain_answer;
    answer.sequence = stamp;
    answer.intent = intent_;
    answer.stamp = stamp_;
    return answer;
}

void drain_agreement::heard_answer(instance_id from, const message& what) {
    auto* found = find(from);
    if (intent_ != drain_intent::asks || what.sequence != stamp_ || found == nullptr ||
        found->answered)
        return;
    clock_ = std::max(clock_, what.stamp);
    found->answered = true;
    found->intent = what.intent;
    found->stamp = what.stamp;
}

void drain_agreement::take_questions(std::int64_t now_ns, std::vector<instance_id>& to) {
    to.clear();
    if (intent_ != drain_intent::asks || now_ns < ask_ns_) return;
    ask_ns_ = now_ns + ask_again_ns;
    for (const auto& each : others_)
        if (!each.answered) to.push_back(each.member);
}

message drain_agreement::question() const {
    message question;
    question.kind = message_kind::drain_question;
    question.sequence = stamp_;
    return question;
}

drain_agreement::verdict drain_agreement::decide(std::int64_t now_ns) {
    if (intent_ != drain_intent::asks) return verdict::none;
    const bool waits = std::any_of(others_.begin(), others_.end(),
                                   [](const other& each) { return !each.answered; });
    if (waits && now_ns < until_ns_) return verdict::undecided;
    bool one_stays = false;
    bool asked_last = true;
    for (const auto& each : others_) {
        // Silent ones that asked themselves are known.
        const bool asks = each.intent == drain_intent::asks;
        one_stays = one_stays || each.intent == drain_intent::stays;
        if (asks && std::pair(each.stamp, each.member) > std::pair(stamp_, self_))
            asked_last = false;
    }
    others_.clear();
    const bool leaves = one_stays || !asked_last;
    intent_ = leaves ? drain_intent::leaves : drain_intent::stays;
    return leaves ? verdict::leaves : verdict::stays;
}

std::int64_t drain_agreement::next_ns() const noexcept {
    if (intent_ != drain_intent::asks) return std::numeric_limits<std::int64_t>::max();
    return std::min(ask_ns_, until_ns_);
}

}  // namespace dunlin::runtime::membership
