// SPDX-License-Identifier: Apache-2.0
//
// A store, and how it does: what it was asked, how often it failed, how long writes took, and
// whether it fails now.
//
// A node under load asks its store thousands of times a second, and one that is away fails each
// time. So what is told is the change: that it began to fail, and that it answers again. Writes and
// reads fail by themselves, as a disk that is full can be read; it fails while one of them does.
// In front of any store, which it owns. As safe as that one; counters from any thread.
#pragma once

#include "actors/latency_counts.hpp"
#include "actors/state/state_store.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace dunlin::runtime {

class watched_store final : public actors::state_store {
public:
    struct figures {
        std::uint64_t writes = 0;          // batches, each with one sync
        std::uint64_t values_written = 0;  // in them, or refused for their version
        std::uint64_t write_failures = 0;
        std::uint64_t reads = 0;
        std::uint64_t values_read = 0;
        std::uint64_t read_failures = 0;
        std::int64_t write_ns_max = 0;
        bool fails = false;  // now
    };
    /// Null: it answers again. On the thread that found out, with no lock that a caller holds.
    using change = std::function<void(const error* why)>;

    watched_store(std::unique_ptr<actors::state_store> store, change told)
        : store_(std::move(store)),
          told_(std::move(told)) {}

    [[nodiscard]] figures look() const;
    /// How long writes took that did not fail.
    [[nodiscard]] const actors::latency_counts& write_times() const noexcept {
        return write_times_;
    }

    [[nodiscard]] result<std::uint32_t> open_space(std::string_view name) override {
        return store_->open_space(name);
    }
    [[nodiscard]] result<void> write(std::span<actors::state_write> batch) override;
    [[nodiscard]] result<void> read(std::span<actors::state_read> wanted) override;
    [[nodiscard]] result<std::vector<actors::listed_state>> list(std::uint32_t space,
                                                                 std::string_view prefix,
                                                                 std::string_view after,
                                                                 std::size_t count_max) override;
    [[nodiscard]] std::size_t writes_at_once() const noexcept override {
        return store_->writes_at_once();
    }
    [[nodiscard]] bool shared() const noexcept override { return store_->shared(); }
    [[nodiscard]] std::uint64_t identity() const noexcept override { return store_->identity(); }
    [[nodiscard]] std::string describe() const override { return store_->describe(); }

private:
    enum kind : std::uint8_t { writing = 1, reading = 2 };

    void ended(kind what, const error* why);

    const std::unique_ptr<actors::state_store> store_;
    const change told_;
    actors::latency_counts write_times_;
    std::atomic<std::uint64_t> writes_{0};
    std::atomic<std::uint64_t> values_written_{0};
    std::atomic<std::uint64_t> write_failures_{0};
    std::atomic<std::uint64_t> reads_{0};
    std::atomic<std::uint64_t> values_read_{0};
    std::atomic<std::uint64_t> read_failures_{0};
    std::atomic<std::int64_t> write_ns_max_{0};
    std::atomic<std::uint8_t> failing_{0};  // kinds
    std::mutex telling_;                    // so that changes are told in their order
};

}  // namespace dunlin::runtime
