// SPDX-License-Identifier: Apache-2.0
//
// Operations of a call that a coroutine awaits: calls of other functions, and sleeps. Those that
// the module ends itself are in completion.hpp.
//
// An operation is a value that describes what to do. It is started by `co_await` and by nothing
// else; from then on it lives in the frame of the coroutine that awaits it, which cannot go away
// before the node has completed it. So an operation that is never awaited leaves nothing behind,
// and there is no state to share. Completions come one after another, never from inside the call
// that starts the operation.
#pragma once

#include <dunlin/abi.h>
#include <dunlin/codec.hpp>
#include <dunlin/result.hpp>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

namespace dunlin {
namespace detail {

/// The call at the root of every coroutine that awaits on its behalf.
class call_root {
public:
    /// Looks whether the root coroutine has ended, and answers the call if so: `this` is gone
    /// then. Follows every step that a completion made.
    virtual void after_step() noexcept = 0;

protected:
    ~call_root() = default;
};

struct call_origin {
    const dunlin_host* host = nullptr;
    dunlin_call* call = nullptr;
    call_root* root = nullptr;
};

/// A duration as whole nanoseconds, rounded up, at most what 63 bits hold.
template <class Rep, class Period>
constexpr std::int64_t to_nanoseconds(std::chrono::duration<Rep, Period> duration) {
    using seconds = std::chrono::duration<long double>;
    constexpr auto most = std::chrono::nanoseconds::max();
    if (duration <= duration.zero()) return 0;
    if (seconds(duration) >= seconds(most)) return most.count();
    return std::chrono::ceil<std::chrono::nanoseconds>(duration).count();
}

/// The bytes of a request: function, key and payload behind one another in memory of their own.
class request_bytes {
public:
    request_bytes(std::string_view function, std::string_view key, encode_function encode,
                  const void* in);
    request_bytes(request_bytes&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)),
          size_(other.size_),
          function_size_(other.function_size_),
          key_size_(other.key_size_) {}
    request_bytes& operator=(request_bytes&&) = delete;
    ~request_bytes();

    [[nodiscard]] dunlin_request request(std::int64_t timeout_ns) const noexcept;

private:
    std::uint8_t* memory_ = nullptr;
    std::size_t size_ = 0;
    std::size_t function_size_ = 0;
    std::size_t key_size_ = 0;
};

/// The error of an operation that ended with `code`.
[[nodiscard]] error operation_error(std::int32_t code, const std::uint8_t* data, std::size_t size);

/// Resumes a coroutine from a completion and lets the root look at the outcome.
void resume_waiter(std::coroutine_handle<> waiter, call_root* root) noexcept;

}  // namespace detail

/// What `context::invoke` returns. Awaited once, in a coroutine of the call it came from.
template <class Out>
class [[nodiscard]] call_operation {
    static_assert(std::is_void_v<Out> || !borrows_v<Out>,
                  "the reply's memory is gone when the await returns: use a type that owns its "
                  "data, such as std::string or dunlin::bytes");

public:
    using awaited_by_tasks = std::true_type;

    call_operation(detail::call_origin origin, std::string_view function, std::string_view key,
                   std::chrono::nanoseconds timeout, detail::encode_function encode, const void* in)
        : origin_(origin),
          request_(function, key, encode, in),
          timeout_ns_(timeout.count()) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        const dunlin_request request = request_.request(timeout_ns_);
        origin_.host->invoke(origin_.call, &request, &call_operation::complete, this);
    }
    result<Out> await_resume() { return std::move(reply_); }

private:
    static void complete(void* user, std::int32_t code, const std::uint8_t* data,
                         std::size_t size) noexcept {
        auto* self = static_cast<call_operation*>(user);
        self->store(code, data, size);
        detail::resume_waiter(self->waiter_, self->origin_.root);
    }
    void store(std::int32_t code, const std::uint8_t* data, std::size_t size) noexcept {
        try {
            if (code != 0) {
                reply_ = detail::operation_error(code, data, size);
            } else if constexpr (std::is_void_v<Out>) {
                reply_ = result<void>{};
            } else {
                reply_ =
                    decode_reply<Out>(bytes_view(reinterpret_cast<const std::byte*>(data), size));
            }
        } catch (...) {
            // Out of memory: an error with an empty detail still fits.
            reply_ = error{errc::internal, {}};
        }
    }

    detail::call_origin origin_;
    detail::request_bytes request_;
    std::int64_t timeout_ns_;
    std::coroutine_handle<> waiter_;
    result<Out> reply_ = error{errc::internal, {}};
};

/// What `context::sleep_for` returns. Awaited once, in a coroutine of the call it came from.
class [[nodiscard]] sleep_operation {
public:
    using awaited_by_tasks = std::true_type;

    sleep_operation(detail::call_origin origin, std::int64_t duration_ns) noexcept
        : origin_(origin),
          duration_ns_(duration_ns) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        origin_.host->sleep(origin_.call, duration_ns_, &sleep_operation::complete, this);
    }
    result<void> await_resume() { return std::move(ended_); }

private:
    static void complete(void* user, std::int32_t code, const std::uint8_t* data,
                         std::size_t size) noexcept;

    detail::call_origin origin_;
    std::int64_t duration_ns_;
    std::coroutine_handle<> waiter_;
    result<void> ended_;
};

namespace detail {

/// An operation whose result is made into another one where it is awaited.
template <class Operation, class Change>
class [[nodiscard]] changed_operation {
public:
    using awaited_by_tasks = std::true_type;

    changed_operation(Operation first, Change change) : first_(std::move(first)), change_(change) {}

    bool await_ready() const noexcept { return first_.await_ready(); }
    void await_suspend(std::coroutine_handle<> waiter) { first_.await_suspend(waiter); }
    auto await_resume() { return change_(first_.await_resume()); }

private:
    Operation first_;
    Change change_;
};

template <class Operation, class Change>
[[nodiscard]] changed_operation<Operation, Change> then(Operation first, Change change) {
    return {std::move(first), change};
}

}  // namespace detail
}  // namespace dunlin
