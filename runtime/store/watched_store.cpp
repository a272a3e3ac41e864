// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/watched_store.hpp"

#include <chrono>

namespace dunlin::runtime {

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

template <class T>
const error* why_of(const result<T>& done) noexcept {
    return done ? nullptr : &done.error();
}

}  // namespace

watched_store::figures watched_store::look() const {
    figures seen;
    seen.writes = writes_.load(relaxed);
    seen.values_written = values_written_.load(relaxed);
    seen.write_failures = write_failures_.load(relaxed);
    seen.reads = reads_.load(relaxed);
    seen.values_read = values_read_.load(relaxed);
    seen.read_failures = read_failures_.load(relaxed);
    seen.write_ns_max = write_ns_max_.load(relaxed);
    seen.fails = failing_.load(relaxed) != 0;
    return seen;
}

result<void> watched_store::write(std::span<actors::state_write> batch) {
    const auto began = std::chrono::steady_clock::now();
    auto done = store_->write(batch);
    const auto took_ns = (std::chrono::steady_clock::now() - began) / std::chrono::nanoseconds(1);
    writes_.fetch_add(1, relaxed);
    values_written_.fetch_add(batch.size(), relaxed);
    if (done) write_times_.record(took_ns);
    for (auto most_ns = write_ns_max_.load(relaxed);
         took_ns > most_ns && !write_ns_max_.compare_exchange_weak(most_ns, took_ns, relaxed);) {
    }
    if (!done) write_failures_.fetch_add(1, relaxed);
    ended(writing, why_of(done));
    return done;
}

result<void> watched_store::read(std::span<actors::state_read> wanted) {
    auto done = store_->read(wanted);
    reads_.fetch_add(1, relaxed);
    values_read_.fetch_add(wanted.size(), relaxed);
    if (!done) read_failures_.fetch_add(1, relaxed);
    ended(reading, why_of(done));
    return done;
}

result<std::vector<actors::listed_state>> watched_store::list(std::uint32_t space,
                                                              std::string_view prefix,
                                                              std::string_view after,
                                                              std::size_t count_max) {
    auto done = store_->list(space, prefix, after, count_max);
    reads_.fetch_add(1, relaxed);
    if (!done) read_failures_.fetch_add(1, relaxed);
    ended(reading, why_of(done));
    return done;
}

void watched_store::ended(kind what, const error* why) {
    const auto before = failing_.load(relaxed);
    if (((before & what) != 0) == (why != nullptr)) return;
    const std::lock_guard lock(telling_);
    const auto then = failing_.load(relaxed);
    const auto now = static_cast<std::uint8_t>(why != nullptr ? then | what : then & ~what);
    failing_.store(now, relaxed);
    if ((then != 0) != (now != 0)) told_(why);
}

}  // namespace dunlin::runtime
