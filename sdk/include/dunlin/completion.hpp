// SPDX-License-Identifier: Apache-2.0
//
// Waiting in a function, without a thread, for something that calls back.
//
//     auto row = co_await ctx.await_callback<row>([&](dunlin::completion<row> done) {
//         database.query(text, [done](row found) { done(std::move(found)); });
//     });
//
// A `completion` is the callback's end of it. It ends the wait once, whatever is done with it: with
// the first value it is called with, or, when its last copy goes away uncalled, with an error. It
// may outlive the wait, the call and the node, and is for any thread. A value goes from one to the
// other as it is, so what it points into has to live as long as the function looks at it.
#pragma once

#include <dunlin/abi.h>
#include <dunlin/detail/operation.hpp>
#include <dunlin/result.hpp>

#include <coroutine>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

namespace dunlin {
namespace detail {

/// False for nodes older than operations that modules end.
[[nodiscard]] bool can_begin(const dunlin_host& host) noexcept;
/// The exception that is being handled, as an error; with an empty detail where memory ends.
[[nodiscard]] error current_error() noexcept;
[[nodiscard]] error unanswered_error() noexcept;

/// What a waiting function and a callback share.
template <class T>
class callback_state {
public:
    explicit callback_state(const dunlin_host* host) noexcept : host_(host) {}

    /// The wait has begun. @returns false when it may not, and ends by itself.
    bool begin(dunlin_call* call, dunlin_completion done, void* user) {
        ticket_ = host_->begin(call, done, user);
        return ticket_ != nullptr;
    }
    /// The first value counts, if the function still waits.
    void give(result<T> value) noexcept {
        dunlin_ticket* ticket = nullptr;
        {
            const std::scoped_lock lock(mutex_);
            ticket = std::exchange(ticket_, nullptr);
            if (ticket == nullptr) return;
            if (!left_) value_.emplace(std::move(value));
        }
        host_->end(ticket, 0, nullptr, 0);
    }
    /// Nobody is left to give anything.
    void abandon() noexcept {
        {
            const std::scoped_lock lock(mutex_);
            if (ticket_ == nullptr) return;
        }
        give(unanswered_error());
    }
    /// The wait is over: with the value, if it is there, or for the reason of a stop.
    [[nodiscard]] result<T> leave(std::int32_t code, const std::uint8_t* data, std::size_t size) {
        {
            const std::scoped_lock lock(mutex_);
            left_ = true;
            if (value_) return std::move(*value_);
        }
        stop_.request_stop();
        return operation_error(code, data, size);
    }
    [[nodiscard]] std::stop_token stop_token() const noexcept { return stop_.get_token(); }

private:
    const dunlin_host* host_;
    std::stop_source stop_;
    std::mutex mutex_;
    dunlin_ticket* ticket_ = nullptr;
    std::optional<result<T>> value_;
    bool left_ = false;
};

}  // namespace detail

/// Ends one wait of `context::await_callback`. Copies are one and the same. Any thread.
template <class T>
class completion {
public:
    explicit completion(std::shared_ptr<detail::callback_state<T>> state)
        : last_(std::make_shared<const last>(std::move(state))) {}

    /// The function goes on with this value or error. Only the first counts; once the function
    /// has gone on because of a stop, none does. Moving a T must not throw.
    void operator()(result<T> value) const noexcept { last_->state->give(std::move(value)); }

    /// Stopped when the function no longer waits because its call was stopped: what was begun for
    /// it can be given up then. A callback on it runs on the function's thread and should be short.
    [[nodiscard]] std::stop_token stop_token() const noexcept { return last_->state->stop_token(); }

private:
    struct last {
        explicit last(std::shared_ptr<detail::callback_state<T>> of) noexcept
            : state(std::move(of)) {}
        last(const last&) = delete;
        last& operator=(const last&) = delete;
        ~last() { state->abandon(); }
        std::shared_ptr<detail::callback_state<T>> state;
    };
    std::shared_ptr<const last> last_;
};

/// What `context::await_callback` returns. Awaited once, in a coroutine of the call it came from.
template <class T, class Start>
class [[nodiscard]] callback_operation {
public:
    using awaited_by_tasks = std::true_type;

    callback_operation(detail::call_origin origin, Start start)
        : origin_(origin),
          start_(std::move(start)) {}

    bool await_ready() const noexcept { return !detail::can_begin(*origin_.host); }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        state_ = std::make_shared<detail::callback_state<T>>(origin_.host);
        const completion<T> done(state_);
        if (!state_->begin(origin_.call, &callback_operation::complete, this)) return;
        try {
            start_(done);
        } catch (...) {
            done(detail::current_error());
        }
    }
    result<T> await_resume() { return std::move(reply_); }

private:
    static void complete(void* user, std::int32_t code, const std::uint8_t* data,
                         std::size_t size) noexcept {
        auto* self = static_cast<callback_operation*>(user);
        try {
            self->reply_ = self->state_->leave(code, data, size);
        } catch (...) {
            // Out of memory: an error with an empty detail still fits.
            self->reply_ = error{errc::internal, {}};
        }
        detail::resume_waiter(self->waiter_, self->origin_.root);
    }

    detail::call_origin origin_;
    Start start_;
    std::shared_ptr<detail::callback_state<T>> state_;
    std::coroutine_handle<> waiter_;
    result<T> reply_ = error{errc::failed, "this node is too old to wait for a callback"};
};

}  // namespace dunlin
