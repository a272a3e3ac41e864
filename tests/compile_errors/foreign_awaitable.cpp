// SPDX-License-Identifier: Apache-2.0
//
// error: whatever else calls back is awaited through ctx.await_callback<T>(...)
#include <dunlin/function.hpp>

#include <coroutine>

dunlin::task<int> wait(int seconds) {
    co_await std::suspend_always{};
    co_return seconds;
}

DUNLIN_MODULE(text, m) { m.function("wait", wait); }
