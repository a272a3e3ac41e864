// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/module_harness.hpp"

#include <dunlin/function.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

struct page {
    std::string url;
    std::string text = {};
    DUNLIN_FIELDS(url, text)
};

/// Counts what is alive, to see that nothing is left behind.
struct tracked {
    static inline int alive = 0;
    tracked() { ++alive; }
    tracked(const tracked&) { ++alive; }
    ~tracked() { --alive; }
};

task<int> immediate(int n) { co_return n + 1; }
task<int> add_remote(int n, context& ctx) {
    const tracked here;
    const auto reply = co_await ctx.invoke<int>("math/next", n);
    co_return reply.value();
}
task<int> nested(const int& n, context& ctx) {
    const tracked here;
    const int once = co_await add_remote(n, ctx);
    co_return co_await add_remote(once, ctx);
}
task<std::string> keeps_input(const page& p, context& ctx) {
    const auto reply = co_await ctx.invoke<std::string>("text/upper", p.text);
    co_return p.url + "=" + reply.value();
}
task<std::string> keeps_moved(page p, context& ctx) {
    (co_await ctx.invoke<void>("text/seen", p)).value();
    co_return p.url;
}
task<std::string_view> keeps_view(std::string_view text, context& ctx) {
    (co_await ctx.invoke<void>("text/seen", text)).value();
    co_return text.substr(1);
}
task<result<int>> returns_error(int n, context& ctx) {
    auto reply = co_await ctx.invoke<int>("math/next", n);
    if (!reply) co_return error{reply.error().code, "inner: " + reply.error().detail};
    co_return *reply;
}
task<int> throws_later(int n, context& ctx) {
    const tracked here;
    (co_await ctx.invoke<void>("math/next", n)).value();
    throw std::runtime_error("after the wait");
}
task<int> throws_at_once(int n) {
    if (n >= 0) throw std::runtime_error("before any wait");
    co_return n;
}
task<int> catches(int n, context& ctx) {
    try {
        co_return co_await throws_later(n, ctx);
    } catch (const std::runtime_error& thrown) {
        co_return static_cast<int>(std::string(thrown.what()).size());
    }
}
task<void> quiet(int, context& ctx) { (co_await ctx.invoke<void>("math/next", 1)).value(); }
task<std::uint64_t> loop(std::uint64_t times) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < times; ++i) {
        sum += static_cast<std::uint64_t>(co_await immediate(0));
    }
    co_return sum;
}
task<int> never_awaits(int n, context& ctx) {
    auto call = ctx.invoke<int>("math/next", n);
    auto wait = ctx.sleep_for(1h);
    auto inner = add_remote(n, ctx);
    co_return n;
}
task<int> many_calls(int times, context& ctx) {
    int last = 0;
    for (int i = 0; i < times; ++i) last = (co_await ctx.invoke<int>("math/next", i)).value();
    co_return last;
}
task<result<std::string>> asks_for_text(int n, context& ctx) {
    co_return co_await ctx.invoke<std::string>("math/next", n);
}
task<result<void>> naps(std::chrono::milliseconds time, context& ctx) {
    co_return co_await ctx.sleep_for(time);
}
task<bytes> too_large(int size, context& ctx) {
    (co_await ctx.invoke<void>("math/next", size)).value();
    co_return bytes(std::string(static_cast<std::size_t>(size), 'x'));
}

void describe(module_builder& m) {
    m.function("immediate", immediate);
    m.function("nested", nested);
    m.function("keeps_input", keeps_input);
    m.function("keeps_moved", keeps_moved);
    m.function("keeps_view", keeps_view);
    m.function("returns_error", returns_error);
    m.function("throws_later", throws_later);
    m.function("throws_at_once", throws_at_once);
    m.function("catches", catches);
    m.function("quiet", quiet);
    m.function("loop", loop);
    m.function("never_awaits", never_awaits);
    m.function("many_calls", many_calls);
    m.function("asks_for_text", asks_for_text);
    m.function("naps", naps);
    m.function("too_large", too_large);
    m.function("lambda", [word = std::string("kept")](int n, context& ctx) -> task<std::string> {
        (co_await ctx.invoke<void>("math/next", n)).value();
        co_return word;
    });
}

}  // namespace

static_assert(!std::is_copy_constructible_v<task<int>>);
static_assert(std::is_nothrow_move_constructible_v<task<int>>);

TEST_CASE("a coroutine that waits for nothing is done when run returns") {
    module_harness m(describe);
    fake_call& call = m.run("immediate", 1);
    CHECK_FALSE(call.pending);
    CHECK(call.reply<int>().value() == 2);
    CHECK((m["immediate"].flags & DUNLIN_ASYNC) != 0);
}

TEST_CASE("a coroutine waits for other functions, in nested tasks too") {
    module_harness m(describe);
    fake_call& call = m.run("nested", 1);
    REQUIRE(m.host.operations.size() == 1);
    CHECK(m.host.operations[0].function == "math/next");
    CHECK(decode<int>(m.host.operations[0].payload).value() == 1);
    CHECK_FALSE(call.answered);

    m.host.complete(0, 10);
    REQUIRE(m.host.operations.size() == 1);
    CHECK(decode<int>(m.host.operations[0].payload).value() == 10);
    CHECK_FALSE(call.answered);

    m.host.complete(0, 20);
    CHECK(call.answered);
    CHECK(call.reply<int>().value() == 20);
    CHECK(tracked::alive == 0);
}

TEST_CASE("the input lives as long as the coroutine") {
    module_harness m(describe);
    fake_call& by_reference = m.run("keeps_input", page{"u", "text"});
    fake_call& by_value = m.run("keeps_moved", page{.url = std::string(100, 'u')});
    fake_call& as_view = m.run("keeps_view", "a view into the payload");
    fake_call& captured = m.run("lambda", 1);
    m.host.complete(0, "TEXT");
    CHECK(by_reference.reply<std::string>().value() == "u=TEXT");
    m.host.complete(0, nullptr);
    CHECK(by_value.reply<std::string>().value() == std::string(100, 'u'));
    m.host.complete(0, nullptr);
    CHECK(as_view.reply<std::string>().value() == " view into the payload");
    m.host.complete(0, nullptr);
    CHECK(captured.reply<std::string>().value() == "kept");
}

TEST_CASE("the error of an inner call is a value the coroutine can look at") {
    module_harness m(describe);
    fake_call& call = m.run("returns_error", 1);
    m.host.complete_error(0, errc::overloaded, "the queue is full");
    CHECK(call.reply<int>().error() == error{errc::failed, "inner: the queue is full"});
    // value() throws it instead, through every task on the way.
    fake_call& thrown = m.run("nested", 1);
    m.host.complete_error(0, errc::not_found, "no function math/next");
    CHECK(thrown.reply<int>().error() == error{errc::failed, "no function math/next"});
    CHECK(tracked::alive == 0);
}

TEST_CASE("a code that a newer node uses arrives as unknown") {
    module_harness m(describe);
    fake_call& call = m.run("returns_error", 1);
    m.host.complete_raw(0, 99, "from the future");
    CHECK(call.detail == "inner: from the future");
}

TEST_CASE("a reply of another type than asked for is an error that says so") {
    module_harness m(describe);
    fake_call& call = m.run("asks_for_text", 1);
    m.host.complete(0, 5);
    CHECK(call.reply<std::string>().error() ==
          error{errc::failed,
                "the reply does not fit the type that was asked for: payload: expected string, "
                "got integer 5"});
}

TEST_CASE("a coroutine that throws, at once or after a wait, fails with its message") {
    module_harness m(describe);
    CHECK(m.run("throws_at_once", 1).reply<int>().error() ==
          error{errc::failed, "before any wait"});
    fake_call& later = m.run("throws_later", 1);
    CHECK_FALSE(later.answered);
    m.host.complete(0, nullptr);
    CHECK(later.reply<int>().error() == error{errc::failed, "after the wait"});
    fake_call& caught = m.run("catches", 1);
    m.host.complete(0, nullptr);
    CHECK(caught.reply<int>().value() == 14);
    CHECK(tracked::alive == 0);
}

TEST_CASE("a coroutine without output answers nil") {
    module_harness m(describe);
    fake_call& call = m.run("quiet", 1);
    m.host.complete(0, "whatever it is");
    CHECK(call.reply<std::monostate>());
}

TEST_CASE("a payload that does not fit never starts the coroutine") {
    module_harness m(describe);
    fake_call& call = m.run("keeps_input", std::vector<int>{1});
    CHECK(call.reply<int>().error() ==
          error{errc::invalid_argument, "page: expected map, got array of 1"});
    CHECK_FALSE(call.pending);
}

TEST_CASE("a long loop over tasks or calls uses no stack") {
    module_harness m(describe);
    CHECK(m.run("loop", 1'000'000).reply<std::uint64_t>().value() == 1'000'000);
    fake_call& call = m.run("many_calls", 20'000);
    while (!m.host.operations.empty()) m.host.complete(0, 7);
    CHECK(call.reply<int>().value() == 7);
}

TEST_CASE("operations and tasks that nobody awaits start nothing") {
    module_harness m(describe);
    fake_call& call = m.run("never_awaits", 3);
    CHECK(call.reply<int>().value() == 3);
    CHECK(m.host.operations.empty());
}

TEST_CASE("a sleep ends when its time has come, and not before") {
    module_harness m(describe);
    fake_call& call = m.run("naps", 5);
    m.host.advance(4ms);
    CHECK_FALSE(call.answered);
    m.host.advance(1ms);
    CHECK(call.answered);
    CHECK_FALSE(call.failed);
    fake_call& negative = m.run("naps", -5);
    m.host.advance(0ms);
    CHECK(negative.answered);
}

TEST_CASE("a sleep that is stopped says why") {
    module_harness m(describe);
    fake_call& call = m.run("naps", 5);
    m.host.complete_error(0, errc::cancelled, "the caller withdrew the call");
    CHECK(call.detail == "the caller withdrew the call");
}

TEST_CASE("a reply beyond the limit is an error after a wait too") {
    module_harness m(describe);
    fake_call& call = m.host.prepare(100'000);
    call.output = wire::frame_buffer(1000);
    m.host.start(m["too_large"], call);
    m.host.complete(0, nullptr);
    CHECK(call.reply<int>().error() ==
          error{errc::failed, "the encoded value is larger than the limit on payloads"});
}

TEST_CASE("durations become nanoseconds without overflow") {
    using detail::to_nanoseconds;
    CHECK(to_nanoseconds(1ms) == 1'000'000);
    CHECK(to_nanoseconds(std::chrono::duration<double>(1e-10)) == 1);
    CHECK(to_nanoseconds(-1s) == 0);
    CHECK(to_nanoseconds(std::chrono::hours::max()) == std::chrono::nanoseconds::max().count());
    CHECK(to_nanoseconds(std::chrono::duration<double>(1e300)) ==
          std::chrono::nanoseconds::max().count());
}
