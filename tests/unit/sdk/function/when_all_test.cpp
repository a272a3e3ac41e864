// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/module_harness.hpp"

#include <dunlin/function.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

task<int> remote(int n, context& ctx) {
    co_return (co_await ctx.invoke<int>("math/next", n)).value();
}
task<int> ready(int n) { co_return n; }
task<void> fails(context& ctx, std::string why) {
    (co_await ctx.sleep_for(1ms)).value();
    throw std::runtime_error(why);
}

task<std::vector<int>> three(int n, context& ctx) {
    auto [left, middle, right] =
        co_await when_all(ctx.invoke<int>("math/next", n), ready(n), remote(n + 1, ctx));
    co_return std::vector<int>{left.value(), middle, right};
}
task<std::vector<int>> many(int count, context& ctx) {
    std::vector<call_operation<int>> calls;
    for (int i = 0; i < count; ++i) calls.push_back(ctx.invoke<int>("math/next", i));
    std::vector<int> out;
    for (auto& reply : co_await when_all(std::move(calls))) out.push_back(reply.value());
    co_return out;
}
task<std::size_t> many_tasks(int count, context& ctx) {
    std::vector<task<int>> tasks;
    for (int i = 0; i < count; ++i) tasks.push_back(i % 2 == 0 ? ready(i) : remote(i, ctx));
    co_return (co_await when_all(std::move(tasks))).size();
}
task<int> with_timer(int n, context& ctx) {
    const auto [slept, reply] = co_await when_all(ctx.sleep_for(10ms), remote(n, ctx));
    slept.value();
    co_return reply;
}
task<int> two_failures(int, context& ctx) {
    co_await when_all(fails(ctx, "the first"), fails(ctx, "the second"), remote(1, ctx));
    co_return 0;
}
task<int> none(int n) {
    const std::tuple<> nothing = co_await when_all();
    const auto empty = co_await when_all(std::vector<task<int>>{});
    co_return n + static_cast<int>(empty.size()) +
        static_cast<int>(std::tuple_size_v<decltype(nothing)>);
}
task<int> nested(int n, context& ctx) {
    auto [a, b] = co_await when_all(when_all(remote(n, ctx), remote(n, ctx)), remote(n, ctx));
    co_return std::get<0>(a) + std::get<1>(a) + b;
}

void describe(module_builder& m) {
    m.function("three", three);
    m.function("many", many);
    m.function("many_tasks", many_tasks);
    m.function("with_timer", with_timer);
    m.function("two_failures", two_failures);
    m.function("none", none);
    m.function("nested", nested);
}

}  // namespace

TEST_CASE("when_all starts everything before it waits and keeps the order of results") {
    module_harness m(describe);
    fake_call& call = m.run("three", 5);
    REQUIRE(m.host.operations.size() == 2);
    m.host.complete(1, 70);
    CHECK_FALSE(call.answered);
    m.host.complete(0, 60);
    CHECK(call.reply<std::vector<int>>().value() == std::vector<int>{60, 5, 70});
}

TEST_CASE("when_all takes a vector of any number of operations") {
    module_harness m(describe);
    fake_call& call = m.run("many", 1000);
    REQUIRE(m.host.operations.size() == 1000);
    while (!m.host.operations.empty()) {
        const std::size_t any = m.host.operations.size() * 2 / 3;
        m.host.complete(any, decode<int>(m.host.operations[any].payload).value() + 1);
    }
    const auto values = call.reply<std::vector<int>>().value();
    REQUIRE(values.size() == 1000);
    for (int i = 0; i < 1000; ++i) CHECK(values[static_cast<std::size_t>(i)] == i + 1);
}

TEST_CASE("when_all takes a vector of tasks, some of them done at once") {
    module_harness m(describe);
    fake_call& call = m.run("many_tasks", 9);
    CHECK(m.host.operations.size() == 4);
    while (!m.host.operations.empty()) m.host.complete(0, 1);
    CHECK(call.reply<std::size_t>().value() == 9);
    CHECK(m.run("many_tasks", 1).reply<std::size_t>().value() == 1);
}

TEST_CASE("when_all waits for timers and calls together") {
    module_harness m(describe);
    fake_call& call = m.run("with_timer", 1);
    m.host.complete(1, 5);
    m.host.advance(9ms);
    CHECK_FALSE(call.answered);
    m.host.advance(1ms);
    CHECK(call.reply<int>().value() == 5);
}

TEST_CASE("when_all waits for the rest when a part throws, and the first in order is thrown") {
    module_harness m(describe);
    fake_call& call = m.run("two_failures", 1);
    REQUIRE(m.host.operations.size() == 3);
    m.host.complete_raw(1, 0, {});
    m.host.complete_raw(0, 0, {});
    CHECK_FALSE(call.answered);
    m.host.complete(0, 5);
    CHECK(call.reply<int>().error() == error{errc::failed, "the first"});
}

TEST_CASE("when_all of nothing is done at once") {
    module_harness m(describe);
    CHECK(m.run("none", 5).reply<int>().value() == 5);
}

TEST_CASE("when_all may stand inside when_all") {
    module_harness m(describe);
    fake_call& call = m.run("nested", 1);
    REQUIRE(m.host.operations.size() == 3);
    m.host.complete(2, 100);
    m.host.complete(0, 1);
    m.host.complete(0, 10);
    CHECK(call.reply<int>().value() == 111);
}
