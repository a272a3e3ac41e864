// SPDX-License-Identifier: Apache-2.0
//
// A store that fails when a test says so: it refuses writes or reads, writes and loses the answer,
// or is slow, which is to say that it holds what comes until the test lets it go.
//
// In front of any other store, which must live as long. Safe from any thread.
#pragma once

#include "actors/state/state_store.hpp"

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace dunlin::tests {

class faulty_store final : public actors::state_store {
public:
    explicit faulty_store(std::shared_ptr<actors::state_store> behind)
        : faulty_store(behind, behind->writes_at_once()) {}
    faulty_store(std::shared_ptr<actors::state_store> behind, std::size_t writes_at_once)
        : behind_(std::move(behind)),
          writes_at_once_(writes_at_once) {}

    /// The next so many writes fail, and nothing is written.
    void fail_writes(std::size_t count) { set(writes_to_fail_, count); }
    /// The next so many writes are carried out, and fail for who asked: what they did is unknown.
    void lose_answers(std::size_t count) { set(answers_to_lose_, count); }
    void fail_reads(std::size_t count) { set(reads_to_fail_, count); }  // lists, too

    /// From now on writes, or reads and lists, wait before they do anything.
    void hold_writes() { set(hold_writes_, true); }
    void hold_reads() { set(hold_reads_, true); }
    void release() {
        const std::lock_guard lock(mutex_);
        hold_writes_ = hold_reads_ = false;
        changed_.notify_all();
    }
    /// Until so many wait.
    void wait_for_held(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return held_ >= count; });
    }

    /// Batches that came, and values in them.
    [[nodiscard]] std::size_t writes() const { return get(writes_); }
    [[nodiscard]] std::size_t values_written() const { return get(values_); }
    [[nodiscard]] std::size_t reads() const { return get(reads_); }

    [[nodiscard]] result<std::uint32_t> open_space(std::string_view name) override {
        return behind_->open_space(name);
    }
    [[nodiscard]] result<void> write(std::span<actors::state_write> batch) override {
        bool lose = false;
        {
            std::unique_lock lock(mutex_);
            ++writes_;
            values_ += batch.size();
            wait_while(lock, hold_writes_);
            if (take(writes_to_fail_)) return failed();
            lose = take(answers_to_lose_);
        }
        auto done = behind_->write(batch);
        if (!lose) return done;
        for (auto& each : batch) each.outcome = actors::write_outcome::unknown;
        return failed();
    }
    [[nodiscard]] result<void> read(std::span<actors::state_read> wanted) override {
        if (!may_read()) return failed();
        return behind_->read(wanted);
    }
    [[nodiscard]] result<std::vector<actors::listed_state>> list(std::uint32_t space,
                                                                 std::string_view prefix,
                                                                 std::string_view after,
                                                                 std::size_t count_max) override {
        if (!may_read()) return failed();
        return behind_->list(space, prefix, after, count_max);
    }
    [[nodiscard]] std::size_t writes_at_once() const noexcept override { return writes_at_once_; }
    [[nodiscard]] bool shared() const noexcept override { return behind_->shared(); }
    [[nodiscard]] std::uint64_t identity() const noexcept override { return behind_->identity(); }
    [[nodiscard]] std::string describe() const override { return behind_->describe(); }

private:
    static error failed() { return {errc::unavailable, "the store fails because a test wants it"}; }

    [[nodiscard]] bool may_read() {
        std::unique_lock lock(mutex_);
        ++reads_;
        wait_while(lock, hold_reads_);
        return !take(reads_to_fail_);
    }
    void wait_while(std::unique_lock<std::mutex>& lock, const bool& held) {
        ++held_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return !held; });
        --held_;
    }
    static bool take(std::size_t& count) noexcept { return count != 0 && count-- != 0; }
    template <class T>
    void set(T& what, T to) {
        const std::lock_guard lock(mutex_);
        what = to;
    }
    template <class T>
    [[nodiscard]] T get(const T& what) const {
        const std::lock_guard lock(mutex_);
        return what;
    }

    const std::shared_ptr<actors::state_store> behind_;
    const std::size_t writes_at_once_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool hold_writes_ = false;
    bool hold_reads_ = false;
    std::size_t held_ = 0;
    std::size_t writes_to_fail_ = 0;
    std::size_t answers_to_lose_ = 0;
    std::size_t reads_to_fail_ = 0;
    std::size_t writes_ = 0;
    std::size_t values_ = 0;
    std::size_t reads_ = 0;
};

}  // namespace dunlin::tests
