// SPDX-License-Identifier: Apache-2.0
//
// A coroutine that gives a T when it is awaited.
//
//     dunlin::task<int> twice(dunlin::context& ctx) {
//         auto once = co_await ctx.invoke<int>("math/next", 20);
//         co_return once.value() * 2;
//     }
//
// A task is lazy: it runs when it is awaited, on the awaiting thread, and not before. It is
// awaited once; a task that never is runs nothing. What it throws arrives at the await. While it
// waits for an operation of the context it holds no thread. It awaits tasks and what the SDK gives
// to be awaited, and nothing else: who else would resume it, and where, no node could know.
// Anything that calls back becomes such an operation by `context::await_callback`. A loop over
// tasks that finish at once uses no stack. Owner: the holder of the task; destroying it destroys
// the coroutine. Everything of one call happens one after another, so there are no locks here: a
// task stays with its call.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace dunlin {

template <class T = void>
class task;

namespace detail {

/// Where several tasks report that they have ended; the last one wakes the waiter.
struct task_latch {
    std::size_t open = 0;
    std::coroutine_handle<> waiter;

    std::coroutine_handle<> arrive() noexcept {
        if (--open == 0 && waiter) return waiter;
        return std::noop_coroutine();
    }
};

/// What a task may await says so: `using awaited_by_tasks = std::true_type`.
template <class Awaitable>
constexpr bool is_awaited_by_tasks() {
    return requires { typename Awaitable::awaited_by_tasks; };
}

class task_promise_base {
public:
    template <class Awaitable>
    Awaitable&& await_transform(Awaitable&& awaitable) const noexcept {
        static_assert(is_awaited_by_tasks<std::remove_cvref_t<Awaitable>>(),
                      "a dunlin::task awaits tasks, operations of dunlin::context and of "
                      "dunlin::client, and dunlin::when_all; whatever else calls back is awaited "
                      "through ctx.await_callback<T>(...)");
        return std::forward<Awaitable>(awaitable);
    }

    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
        struct awaiter {
            const task_promise_base* self;
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
                if (self->latch != nullptr) return self->latch->arrive();
                if (self->continuation) return self->continuation;
                return std::noop_coroutine();
            }
            void await_resume() const noexcept {}
        };
        return awaiter{this};
    }

    /// Resumed at the end. Set only once the task has been seen to suspend: a task that ends in
    /// its first step just returns to its starter.
    std::coroutine_handle<> continuation;
    task_latch* latch = nullptr;
};

template <class T>
class task_promise : public task_promise_base {
public:
    task<T> get_return_object() noexcept;
    void unhandled_exception() noexcept { outcome_.template emplace<2>(std::current_exception()); }
    template <class U = T>
    requires std::is_constructible_v<T, U&&>
    void return_value(U&& value) { outcome_.template emplace<1>(std::forward<U>(value)); }
    T take() {
        if (outcome_.index() == 2) std::rethrow_exception(std::get<2>(std::move(outcome_)));
        return std::get<1>(std::move(outcome_));
    }

private:
    std::variant<std::monostate, T, std::exception_ptr> outcome_;
};

template <>
class task_promise<void> : public task_promise_base {
public:
    inline task<void> get_return_object() noexcept;
    void unhandled_exception() noexcept { thrown_ = std::current_exception(); }
    void return_void() const noexcept {}
    void take() {
        if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    }

private:
    std::exception_ptr thrown_;
};

}  // namespace detail

template <class T>
class [[nodiscard]] task {
public:
    using value_type = T;
    using awaited_by_tasks = std::true_type;
    using promise_type = detail::task_promise<T>;

    task() = default;
    task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~task() {
        if (frame_) frame_.destroy();
    }

    /// Runs the task and gives its value, or throws what it threw.
    auto operator co_await() && noexcept {
        struct awaiter {
            std::coroutine_handle<promise_type> frame;
            bool await_ready() const noexcept { return false; }
            // Runs the first step as a plain call; false: it has ended already, go on.
            bool await_suspend(std::coroutine_handle<> waiter) const {
                frame.resume();
                if (frame.done()) return false;
                frame.promise().continuation = waiter;
                return true;
            }
            T await_resume() const { return frame.promise().take(); }
        };
        return awaiter{frame_};
    }

    // -- for those who drive tasks without awaiting them (a call's root, when_all) ---------------

    /// Runs the first step. The latch, if there is one, hears of the end; it outlives the task.
    void start(detail::task_latch* latch = nullptr) {
        frame_.promise().latch = latch;
        frame_.resume();
    }
    [[nodiscard]] bool done() const noexcept { return frame_.done(); }
    /// The value of a task that is done, or a throw of what it threw. Once.
    T take() { return frame_.promise().take(); }

private:
    friend promise_type;
    explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

    std::coroutine_handle<promise_type> frame_;
};

namespace detail {

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
    return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}

inline task<void> task_promise<void>::get_return_object() noexcept {
    return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

}  // namespace detail
}  // namespace dunlin
