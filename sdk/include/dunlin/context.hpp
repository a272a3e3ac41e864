// SPDX-License-Identifier: Apache-2.0
//
// What a function may know about its call, and what it may do while it runs.
//
// A function that takes `context&` can ask for the call's id, key and deadline, notice that it
// should stop, log, and, being a coroutine, call other functions and wait without holding a
// thread. Owner: the call; the reference is valid until the function has answered, in nested
// tasks too. Thread: the call's own, one after another, except the stop token, which any thread
// may hold. A context costs nothing until it is used.
#pragma once

#include <dunlin/abi.h>
#include <dunlin/codec.hpp>
#include <dunlin/completion.hpp>
#include <dunlin/detail/awaited_input.hpp>
#include <dunlin/detail/operation.hpp>
#include <dunlin/detail/state_operation.hpp>
#include <dunlin/log.hpp>
#include <dunlin/result.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string_view>
#include <type_traits>
#include <utility>

namespace dunlin {

/// How a function calls another one.
struct invoke_options {
    /// Until the inner call's deadline. Zero: the caller's own remaining time, which is the most
    /// it can get.
    std::chrono::nanoseconds timeout{0};
    /// Partition key, which the function reads with `key()`. Inner calls of one key come to its
    /// owner in the order in which they were started; they may run beside each other. Empty: none.
    std::string_view key;
};

/// How a function reads what is under another key.
struct read_options {
    /// The value may be one that has been replaced, but no longer ago than this. Zero: none that
    /// had been replaced when it was asked for, which the owner of the key has to be asked.
    std::chrono::nanoseconds max_age{0};
};

class context {
public:
    using clock = std::chrono::steady_clock;

    context(const dunlin_host* host, dunlin_call* call, detail::call_root* root = nullptr) noexcept
        : host_(host),
          call_(call),
          root_(root) {}
    context(const context&) = delete;
    context& operator=(const context&) = delete;
    ~context() {
        if (stop_ != nullptr) [[unlikely]]
            release_stop();
    }

    // -- the call -------------------------------------------------------------------------------

    /// The caller's number for this call. Callers number their calls each for themselves, so it is
    /// no name to recognise a call by among those of several callers.
    [[nodiscard]] std::uint64_t invocation_id() const { return info().invocation_id; }
    /// 0 the first time; each time the call is sent again it has another number.
    [[nodiscard]] std::uint32_t attempt() const { return info().attempt; }
    /// The full name under which the function was called, "module/function".
    [[nodiscard]] std::string_view function() const {
        return {info().function, info().function_size};
    }
    /// The partition key; empty without one.
    [[nodiscard]] bytes_view key() const {
        return {reinterpret_cast<const std::byte*>(info().key), info().key_size};
    }
    /// The caller's W3C trace context in its text form; empty when a client gave none. Its id is
    /// what log lines name the request by, and inner calls carry it on.
    [[nodiscard]] std::string_view trace() const {
        return {reinterpret_cast<const char*>(info().trace), info().trace_size};
    }

    // -- time and stopping ----------------------------------------------------------------------

    /// `time_point::max()` when the call has no deadline.
    [[nodiscard]] clock::time_point deadline() const;
    /// Negative once the deadline has passed, `nanoseconds::max()` without one.
    [[nodiscard]] std::chrono::nanoseconds remaining() const;
    /// True once the caller withdrew, vanished or ran out of time, or the node stops. Nobody waits
    /// for the reply then; a long function looks here now and then and returns.
    [[nodiscard]] bool stop_requested() const { return host_->stop_requested(call_) != 0; }
    /// The same as a token, for waits that can be interrupted. A callback on it runs on another
    /// thread, which those of one function may share, so it should be short; taking it back waits
    /// until it has returned.
    [[nodiscard]] std::stop_token stop_token();

    [[nodiscard]] logger log() const noexcept { return {host_, call_}; }

    // -- operations: they start when they are awaited -------------------------------------------

    /// Calls another function: `co_await` gives `result<Out>`. The input is encoded here and now.
    template <class Out, class In>
    [[nodiscard]] call_operation<Out> invoke(std::string_view function, const In& in,
                                             const invoke_options& options = {}) {
        return call_operation<Out>(origin(), function, options.key, options.timeout,
                                   &detail::encode_erased<In>, &in);
    }
    /// No temporary aggregates with GCC before 13; see detail/awaited_input.hpp.
    template <class Out, class In>
    requires detail::torn_by_co_await<In>
    [[nodiscard]] call_operation<Out> invoke(std::string_view function, In&& in,
                                             const invoke_options& options = {}) {
        detail::refuse_torn_input<In>();
        return invoke<Out>(function, std::as_const(in), options);
    }
    /// Calls a function that takes no input.
    template <class Out>
    [[nodiscard]] call_operation<Out> invoke(std::string_view function) {
        return invoke<Out>(function, nullptr);
    }

    /// Waits: `co_await` gives `result<void>`, an error (`cancelled`, `deadline_exceeded`) when
    /// the call is stopped first.
    template <class Rep, class Period>
    [[nodiscard]] sleep_operation sleep_for(std::chrono::duration<Rep, Period> duration) {
        return sleep_operation(origin(), detail::to_nanoseconds(duration));
    }

    /// Waits for something outside of the node: `start(completion<T>)` begins it when this is
    /// awaited, and the call of the completion, on any thread, ends the wait. `co_await`
    /// gives `result<T>`: the value, the error that `start` threw, `failed` when the completion
    /// went away uncalled, `overloaded` when too much is awaited already, or the reason of a stop.
    /// In the last two cases `start` may not have run.
    template <class T, class Start>
    requires std::is_invocable_v < std::decay_t<Start>
    &, const completion<T>& >
           [[nodiscard]] callback_operation<T, std::decay_t<Start>> await_callback(Start&& start) {
        return {origin(), std::forward<Start>(start)};
    }

    // -- state: what is under the call's own key comes as an argument ---------------------------

    /// Stores what the state is now, while the function goes on: `co_await` gives `result<void>`.
    /// After an error nothing is stored, and the function should fail. What a function changes
    /// before it returns is stored without this.
    [[nodiscard]] commit_operation commit() { return commit_operation(origin()); }

    /// The value under the call's key ends so long after this call has changed it. Zero: never.
    /// Not said: as before. @throws call_error on a node that is older than state
    template <class Rep, class Period>
    void expire_after(std::chrono::duration<Rep, Period> time) {
        // What is over already must not last indefinitely.
        expire_after_ns(time < time.zero() ? std::int64_t{1} : detail::to_nanoseconds(time));
    }

    /// Reads the value under another key, or in another space, as a T of the reader's choice:
    /// `co_await` gives `result<std::optional<T>>`, nothing where there is no value. It waits for
    /// no turn and changes nothing. Keys that come from integer fields are decimal text.
    template <class T>
    [[nodiscard]] read_operation<T> read(std::string_view space, std::string_view key,
                                         const read_options& options = {}) {
        return {origin(), space, key, options.max_age};
    }

private:
    [[nodiscard]] const dunlin_call_info& info() const { return *host_->info(call_); }
    [[nodiscard]] detail::call_origin origin() const noexcept { return {host_, call_, root_}; }
    void release_stop() noexcept;
    void expire_after_ns(std::int64_t duration_ns) const;

    const dunlin_host* host_;
    dunlin_call* call_;
    detail::call_root* root_;
    std::unique_ptr<std::stop_source> stop_;
};

}  // namespace dunlin
