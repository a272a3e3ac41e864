// SPDX-License-Identifier: Apache-2.0
//
// Waits for several things at once.
//
//     auto [left, right] = co_await dunlin::when_all(ctx.invoke<int>("math/next", 1),
//                                                    ctx.invoke<int>("math/next", 2));
//
// Takes tasks and the context's operations, as arguments (the results come as a tuple) or in a
// vector (they come as a vector, in the same order). All are started before any is waited for, in
// order; a void result becomes `std::monostate`. All are waited for, even when one throws: the
// first exception in order then arrives at the await. No thread, no lock: the parts belong to one
// call and run one after another, interleaved where they wait.
#pragma once

#include <dunlin/task.hpp>

#include <coroutine>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace dunlin {
namespace detail {

template <class Awaitable>
decltype(auto) awaiter_of(Awaitable&& awaitable) {
    if constexpr (requires { std::forward<Awaitable>(awaitable).operator co_await(); }) {
        return std::forward<Awaitable>(awaitable).operator co_await();
    } else {
        return std::forward<Awaitable>(awaitable);
    }
}

/// What `co_await` gives for a value of this type.
template <class Awaitable>
using await_result_t =
    std::remove_cvref_t<decltype(awaiter_of(std::declval<Awaitable>()).await_resume())>;

template <class T>
using regular_t = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
task<T> as_task(task<T> awaitable) {
    return awaitable;
}

template <class Awaitable>
task<await_result_t<Awaitable>> as_task(Awaitable awaitable) {
    co_return co_await std::move(awaitable);
}

template <class T>
regular_t<T> take_regular(task<T>& done) {
    if constexpr (std::is_void_v<T>) {
        done.take();
        return {};
    } else {
        return done.take();
    }
}

/// Starts every task of a range or tuple and waits until the last has ended.
template <class StartAll>
class all_ended {
public:
    using awaited_by_tasks = std::true_type;

    all_ended(std::size_t count, StartAll start_all)
        : latch_{count, nullptr},
          start_all_(std::move(start_all)) {}

    bool await_ready() const noexcept { return latch_.open == 0; }
    bool await_suspend(std::coroutine_handle<> waiter) {
        start_all_(&latch_);
        if (latch_.open == 0) return false;
        latch_.waiter = waiter;
        return true;
    }
    void await_resume() const noexcept {}

private:
    task_latch latch_;
    StartAll start_all_;
};

template <class... T>
task<std::tuple<regular_t<T>...>> all_of(task<T>... tasks) {
    all_ended ended(sizeof...(T),
                    [&]([[maybe_unused]] task_latch* latch) { (tasks.start(latch), ...); });
    co_await ended;
    co_return std::tuple<regular_t<T>...>{take_regular(tasks)...};
}

template <class T>
task<std::vector<regular_t<T>>> all_of(std::vector<task<T>> tasks) {
    all_ended ended(tasks.size(), [&](task_latch* latch) {
        for (auto& each : tasks) each.start(latch);
    });
    co_await ended;
    std::vector<regular_t<T>> values;
    values.reserve(tasks.size());
    for (auto& each : tasks) values.push_back(take_regular(each));
    co_return values;
}

}  // namespace detail

template <class... Awaitables>
[[nodiscard]] auto when_all(Awaitables... awaitables) {
    return detail::all_of(detail::as_task(std::move(awaitables))...);
}

template <class Awaitable>
[[nodiscard]] auto when_all(std::vector<Awaitable> awaitables) {
    std::vector<task<detail::await_result_t<Awaitable>>> tasks;
    tasks.reserve(awaitables.size());
    for (auto& awaitable : awaitables) tasks.push_back(detail::as_task(std::move(awaitable)));
    return detail::all_of(std::move(tasks));
}

}  // namespace dunlin
