// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_seconds.hpp"

#include <algorithm>
#include <numeric>

namespace dunlin::program {

std::uint64_t bench_second::p99_ns() const noexcept {
    const auto count = std::accumulate(latencies.begin(), latencies.end(), std::uint64_t{0});
    if (count == 0) return 0;
    const auto rank = count - count / 100;  // rounded up
    std::uint64_t seen = 0;
    std::size_t index = 0;
    while ((seen += latencies[index]) < rank) ++index;
    return std::min(
        bench_seconds::scale::lowest_of(index) + bench_seconds::scale::width_of(index) / 2, max_ns);
}

void bench_second::add(const bench_second& other) {
    offered += other.offered;
    not_sent += other.not_sent;
    ok += other.ok;
    refused += other.refused;
    expired += other.expired;
    failed += other.failed;
    max_ns = std::max(max_ns, other.max_ns);
    latencies.resize(std::max(latencies.size(), other.latencies.size()));
    for (std::size_t i = 0; i < other.latencies.size(); ++i) latencies[i] += other.latencies[i];
}

void bench_seconds::succeed(std::chrono::nanoseconds start, std::uint64_t latency_ns) {
    auto& row = at(start);
    ++row.ok;
    row.max_ns = std::max(row.max_ns, latency_ns);
    const auto index = scale::index_of(latency_ns);
    if (row.latencies.size() <= index) row.latencies.resize(index + 1);
    ++row.latencies[index];
}

void bench_seconds::fail(std::chrono::nanoseconds start, errc why) {
    auto& row = at(start);
    ++(why == errc::overloaded          ? row.refused
       : why == errc::deadline_exceeded ? row.expired
                                        : row.failed);
}

void bench_seconds::add(const bench_seconds& other) {
    rows_.resize(std::max(rows_.size(), other.rows_.size()));
    for (std::size_t i = 0; i < other.rows_.size(); ++i) rows_[i].add(other.rows_[i]);
}

bench_second bench_seconds::total() const {
    bench_second sum;
    for (const auto& row : rows_) sum.add(row);
    return sum;
}

std::size_t bench_seconds::slowest() const noexcept {
    const auto found = std::max_element(
        rows_.begin(), rows_.end(),
        [](const bench_second& a, const bench_second& b) { return a.p99_ns() < b.p99_ns(); });
    return static_cast<std::size_t>(found - rows_.begin());
}

bench_second& bench_seconds::at(std::chrono::nanoseconds start) {
    const auto second =
        static_cast<std::size_t>(std::chrono::floor<std::chrono::seconds>(start).count());
    if (rows_.size() <= second) rows_.resize(second + 1);
    return rows_[second];
}

}  // namespace dunlin::program
