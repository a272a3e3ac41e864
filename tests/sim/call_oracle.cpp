// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/call_oracle.hpp"

#include <algorithm>

namespace dunlin::sim {

namespace {

std::string name_of(call_number which) { return "call " + std::to_string(which); }

// What a code says by itself; see errc.hpp.
bool means_unrun(const error& why) noexcept {
    switch (why.code) {
        case errc::not_found:
        case errc::overloaded:
        case errc::invalid_argument: return true;
        default: return why.did_not_run;
    }
}

}  // namespace

call_oracle::counts& call_oracle::counts::operator+=(const counts& more) {
    calls += more.calls;
    values += more.values;
    errors += more.errors;
    runs += more.runs;
    repeated += more.repeated;
    orphaned += more.orphaned;
    for (const auto& [code, times] : more.codes) codes[code] += times;
    return *this;
}

call_number call_oracle::begin(std::uint32_t client, bool idempotent, std::int64_t deadline_ns) {
    auto& added = calls_.emplace_back();
    added.client = client;
    added.idempotent = idempotent;
    added.deadline_ns = deadline_ns;
    const auto number = static_cast<call_number>(calls_.size());
    due_.push({deadline_ns + grace_ns, number});
    ++open_;
    ++counted_.calls;
    return number;
}

void call_oracle::ran(call_number which, std::uint32_t attempt, const std::string& where,
                      std::int64_t now_ns) {
    if (which == 0 || which > calls_.size())
        return violated(now_ns, "a call that nobody made ran on " + where);
    auto& call = at(which);
    ++counted_.runs;
    const auto text = name_of(which) + " attempt " + std::to_string(attempt);
    if (std::find(call.attempts.begin(), call.attempts.end(), attempt) != call.attempts.end())
        violated(now_ns, text + " ran twice, the second time on " + where);
    else if (!call.idempotent && !call.attempts.empty())
        violated(now_ns, text + " ran on " + where + " after attempt " +
                             std::to_string(call.attempts.front()) + ", and is not idempotent");
    if (call.said_unrun && !call.idempotent)
        violated(now_ns, text + " ran on " + where + " after it was said not to have run");
    call.attempts.push_back(attempt);
    call.places.push_back(where);
    if (call.attempts.size() == 2) ++counted_.repeated;
}

void call_oracle::answered(call_number which, const result<void>& with, std::int64_t now_ns) {
    auto& call = at(which);
    if (++call.answers > 1)
        return violated(
            now_ns, name_of(which) + " was answered " + std::to_string(call.answers) + " times");
    if (call.orphan) return;
    --open_;
    if (now_ns > call.deadline_ns + grace_ns)
        violated(now_ns, name_of(which) + " was answered " +
                             std::to_string((now_ns - call.deadline_ns) / 1'000'000) +
                             " ms after its deadline");
    if (with) {
        ++counted_.values;
        if (call.attempts.empty())
            violated(now_ns, name_of(which) + " was answered with a value and never ran");
        return;
    }
    ++counted_.errors;
    ++counted_.codes[with.error().code];
    if (with.error().code == errc::internal || with.error().code == errc::unknown)
        violated(now_ns, name_of(which) + " ended with " + to_string(with.error()));
    if (!means_unrun(with.error())) return;
    call.said_unrun = true;
    if (call.attempts.empty()) return;
    violated(now_ns, name_of(which) + " has run, and was answered with " + to_string(with.error()) +
                         (with.error().did_not_run ? " (did not run)" : ""));
}

void call_oracle::client_died(std::uint32_t client) {
    for (auto& call : calls_) {
        if (call.client != client || call.answers != 0 || call.orphan) continue;
        call.orphan = true;
        --open_;
        ++counted_.orphaned;
    }
}

void call_oracle::check(std::int64_t now_ns) {
    while (!due_.empty() && due_.top().at_ns < now_ns) {
        const auto which = due_.top().which;
        due_.pop();
        const auto& call = at(which);
        if (call.answers == 0 && !call.orphan)
            violated(now_ns, name_of(which) + " has no answer at its deadline");
    }
}

void call_oracle::violated(std::int64_t now_ns, const std::string& what) {
    if (violations.size() >= 20) return;
    violations.push_back(std::to_string(now_ns / 1'000'000) + " ms: " + what);
}

}  // namespace dunlin::sim
