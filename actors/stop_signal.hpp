// SPDX-License-Identifier: Apache-2.0
//
// Tells running user code that nobody waits for its answer any more.
//
// One per invocation. A stop is requested at most once with effect, from any thread; the function
// either asks `requested()` or leaves a callback. That is user code and may take its time, so
// the requester of the stop chooses the thread that runs it: never a lane's. After
// `set_callback(nullptr, ...)` has returned the callback is not running and will not be called.
// Owned by the invocation; thread-safe.
#pragma once

#include <dunlin/errc.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

namespace dunlin::actors {

class stop_signal {
public:
    using callback = void (*)(void* user);

    [[nodiscard]] bool requested() const noexcept {
        return reason_.load(std::memory_order_seq_cst) != 0;
    }
    /// Why: `cancelled`, `deadline_exceeded` or `unavailable`. Only after `requested()`.
    [[nodiscard]] errc reason() const noexcept {
        return static_cast<errc>(reason_.load(std::memory_order_acquire));
    }

    /// The first request wins. @returns false if a stop was requested before. Otherwise the
    /// caller sees to it that `run_callback` is called soon, if `has_callback()`. Never waits.
    bool request(errc reason) {
        std::int32_t none = 0;
        return reason_.compare_exchange_strong(none, static_cast<std::int32_t>(reason),
                                               std::memory_order_seq_cst);
    }
    /// Never waits.
    [[nodiscard]] bool has_callback() const noexcept {
        return has_callback_.load(std::memory_order_seq_cst);
    }
    /// Runs the callback here, unless it has run or was taken back.
    void run_callback() {
        std::lock_guard lock(mutex_);
        if (on_stop_ != nullptr) std::exchange(on_stop_, nullptr)(user_);
    }

    void set_callback(callback on_stop, void* user) {
        std::lock_guard lock(mutex_);
        on_stop_ = on_stop;
        user_ = user;
        // One of the two sees the other: a request looks for the callback, this for the request.
        has_callback_.store(on_stop != nullptr, std::memory_order_seq_cst);
        if (on_stop_ != nullptr && requested()) std::exchange(on_stop_, nullptr)(user_);
    }

private:
    std::atomic<std::int32_t> reason_{0};
    std::atomic<bool> has_callback_{false};
    std::mutex mutex_;
    callback on_stop_ = nullptr;
    void* user_ = nullptr;
};

}  // namespace dunlin::actors
