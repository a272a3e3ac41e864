// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/module_harness.hpp"

#include <dunlin/function.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

/// What functions wait for, in the hands of the test.
std::optional<completion<std::string>> held;

task<result<std::string>> waits(int, context& ctx) {
    co_return co_await ctx.await_callback<std::string>(
        [](completion<std::string> done) { held = std::move(done); });
}
task<result<void>> waits_for_nothing(int, context& ctx) {
    co_return co_await ctx.await_callback<void>([](const completion<void>& done) { done({}); });
}
task<result<std::string>> answered_at_once(int times, context& ctx) {
    co_return co_await ctx.await_callback<std::string>([times](const completion<std::string>& to) {
        for (int i = 0; i < times; ++i) to(std::to_string(i));
    });
}
task<result<std::string>> throws(int, context& ctx) {
    co_return co_await ctx.await_callback<std::string>(
        [](const completion<std::string>&) { throw std::runtime_error("cannot begin"); });
}
task<result<std::string>> throws_an_error(int, context& ctx) {
    co_return co_await ctx.await_callback<std::string>([](const completion<std::string>&) {
        const result<int> none = error{errc::unavailable, "no client", 3ms};
        static_cast<void>(none.value());
    });
}
task<std::string> says_code(int, context& ctx) {
    const auto ended = co_await ctx.await_callback<int>([](const completion<int>&) {
        throw call_error({errc::overloaded, "no room", 3ms});
    });
    co_return std::string(to_string(ended.error().code)) + " " +
        std::to_string(ended.error().retry_after.count());
}
task<std::string> waits_for_both(int, context& ctx) {
    auto [callback, slept] = co_await when_all(
        ctx.await_callback<std::unique_ptr<int>>(
            [](const completion<std::unique_ptr<int>>& done) { done(std::make_unique<int>(7)); }),
        ctx.sleep_for(1ms));
    co_return std::to_string(**callback) + (slept ? " slept" : " woken");
}
task<int> never_awaits(int n, context& ctx) {
    auto wait = ctx.await_callback<int>([](const completion<int>&) { FAIL("it was started"); });
    co_return n;
}

void describe(module_builder& m) {
    m.function("waits", waits);
    m.function("waits_for_nothing", waits_for_nothing);
    m.function("answered_at_once", answered_at_once);
    m.function("throws", throws);
    m.function("throws_an_error", throws_an_error);
    m.function("says_code", says_code);
    m.function("waits_for_both", waits_for_both);
    m.function("never_awaits", never_awaits);
}

}  // namespace

TEST_CASE("a function goes on with what it is called back with, on whatever thread that is") {
    module_harness m(describe);
    auto& call = m.run("waits", 0);
    REQUIRE(held);
    CHECK(call.pending);
    std::thread([] { (*std::exchange(held, {}))("from elsewhere"); }).join();
    CHECK_FALSE(call.answered);
    CHECK(m.host.complete_ended() == 1);
    CHECK(call.reply<std::string>().value() == "from elsewhere");
}

TEST_CASE("an error reaches the function that waits") {
    module_harness m(describe);
    auto& call = m.run("waits", 0);
    (*std::exchange(held, {}))(error{errc::conflict, "taken"});
    CHECK(m.host.complete_ended() == 1);
    CHECK(call.failed);
    CHECK(call.detail == "taken");
}

TEST_CASE("a callback may come at once, and only the first counts") {
    module_harness m(describe);
    auto& call = m.run("answered_at_once", 3);
    CHECK_FALSE(call.answered);
    CHECK(m.host.complete_ended() == 1);
    CHECK(call.reply<std::string>().value() == "0");
    auto& nothing = m.run("waits_for_nothing", 0);
    CHECK(m.host.complete_ended() == 1);
    CHECK(nothing.answered);
    CHECK_FALSE(nothing.failed);
}

TEST_CASE("a callback that goes away uncalled ends the wait") {
    module_harness m(describe);
    auto& call = m.run("waits", 0);
    auto copy = held;
    held.reset();
    CHECK(m.host.complete_ended() == 0);
    copy.reset();
    CHECK(m.host.complete_ended() == 1);
    CHECK(call.detail == "what was waited for went away unanswered");
    auto& none = m.run("answered_at_once", 0);
    CHECK(m.host.complete_ended() == 1);
    CHECK(none.detail == "what was waited for went away unanswered");
}

TEST_CASE("what cannot begin says so") {
    module_harness m(describe);
    auto& thrown = m.run("throws", 0);
    CHECK(m.host.complete_ended() == 1);
    CHECK(thrown.detail == "cannot begin");
    auto& client = m.run("throws_an_error", 0);
    CHECK(m.host.complete_ended() == 1);
    CHECK(client.detail == "no client");
    auto& coded = m.run("says_code", 0);
    CHECK(m.host.complete_ended() == 1);
    CHECK(coded.reply<std::string>() == "overloaded 3000");
    m.host.refuses_begin = true;
    auto& refused = m.run("throws", 0);
    REQUIRE(m.host.operations.size() == 1);
    m.host.complete_error(0, errc::overloaded, "too many");
    CHECK(refused.detail == "too many");
    m.host.forget_begin();
    CHECK(m.run("throws", 0).detail == "this node is too old to wait for a callback");
    CHECK(m.run("never_awaits", 5).reply<int>() == 5);
}

TEST_CASE("a stop ends the wait, tells what was begun, and takes no answer any more") {
    module_harness m(describe);
    auto& call = m.run("waits", 0);
    REQUIRE(held);
    bool given_up = false;
    const std::stop_callback watch(held->stop_token(), [&] { given_up = true; });
    m.host.complete_error(0, errc::cancelled, "the caller withdrew the call");
    CHECK(given_up);
    CHECK(call.detail == "the caller withdrew the call");
    (*held)("late");
    held.reset();
    CHECK(m.host.complete_ended() == 0);
}

TEST_CASE("an answer on its way when the stop comes is kept") {
    module_harness m(describe);
    auto& call = m.run("waits", 0);
    const auto stop = held->stop_token();
    (*std::exchange(held, {}))("just in time");
    m.host.complete_error(0, errc::cancelled, "the caller withdrew the call");
    CHECK(call.reply<std::string>().value() == "just in time");
    CHECK_FALSE(stop.stop_requested());
    CHECK(m.host.complete_ended() == 0);
}

TEST_CASE("a callback is awaited together with other operations, and may bring what only moves") {
    module_harness m(describe);
    auto& call = m.run("waits_for_both", 0);
    CHECK(m.host.complete_ended() == 1);
    CHECK_FALSE(call.answered);
    m.host.advance(1ms);
    CHECK(call.reply<std::string>().value() == "7 slept");
}
