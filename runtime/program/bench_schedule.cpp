// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_schedule.hpp"

#include <algorithm>
#include <cmath>

namespace dunlin::program {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;

using runtime::rehearsal::arrival_kind;
using runtime::rehearsal::chance;

// Streams of chance as in a rehearsal of the first function of a trace.
constexpr std::uint64_t arrivals_stream = 0;
constexpr std::uint64_t service_stream = 1;

arrival_kind kind_of(bench_arrivals arrivals) noexcept {
    switch (arrivals) {
        case bench_arrivals::even: return arrival_kind::even;
        case bench_arrivals::poisson: return arrival_kind::poisson;
        case bench_arrivals::burst: break;
    }
    return arrival_kind::burst;
}

}  // namespace

std::uint64_t bench_load::calls() const noexcept {
    if (trace) return trace->load.calls();
    // In two parts, as the product of a day and the highest rate has more than 64 bits.
    const auto whole = static_cast<std::uint64_t>(duration.count());
    return whole / second_ns * per_second + whole % second_ns * per_second / second_ns;
}

bench_schedule::bench_schedule(const bench_load& load, std::size_t part, std::size_t parts) noexcept
    : load_(load),
      part_(part),
      parts_(parts),
      left_(load.calls() / parts + (part < load.calls() % parts ? 1 : 0)),
      chance_(load.seed, load.trace ? service_stream : part) {
    if (!load_.trace) return;
    const auto& of = load_.trace->load;
    traced_.emplace(of.edges_ns, of.functions.front().counts, kind_of(load_.arrivals),
                    load_.trace->second_ns, chance(load_.seed, arrivals_stream));
}

std::optional<std::chrono::nanoseconds> bench_schedule::next() noexcept {
    if (traced_) return next_traced();
    if (left_ == 0) return std::nullopt;
    const auto start = load_.arrivals == bench_arrivals::even ? next_even() : next_poisson();
    ++given_;
    --left_;
    return start;
}

// All parts go through all calls, and each takes its own: every part draws what the others do.
std::optional<std::chrono::nanoseconds> bench_schedule::next_traced() noexcept {
    while (traced_->next_ns() != runtime::rehearsal::never) {
        const std::chrono::nanoseconds start(traced_->next_ns());
        traced_->advance();
        const auto& service = load_.trace->service;
        const auto drawn_ns = service ? service->draw(chance_) : 0;
        if (given_++ % parts_ != part_) continue;
        if (service) service_ns_ = drawn_ns;
        return start;
    }
    return std::nullopt;
}

std::chrono::nanoseconds bench_schedule::next_even() noexcept {
    // From the call's number, not from the start before it: roundings do not add up.
    const auto number = given_ * parts_ + part_;
    const auto start = number / load_.per_second * second_ns +
                       number % load_.per_second * second_ns / load_.per_second;
    return std::chrono::nanoseconds(start);
}

std::chrono::nanoseconds bench_schedule::next_poisson() noexcept {
    // Of n calls that are still to come anywhere in the time that is left, the first comes after a
    // part of it that is distributed as the least of n uniform draws: 1 - (1 - U)^(1 / n).
    const auto end_ns = static_cast<double>(load_.duration.count());
    const double part = -std::expm1(-chance_.exponential() / static_cast<double>(left_));
    last_ns_ = std::min(last_ns_ + (end_ns - last_ns_) * part, end_ns - 1);
    return std::chrono::nanoseconds(static_cast<std::int64_t>(last_ns_));
}

}  // namespace dunlin::program
