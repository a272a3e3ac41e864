// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/module_harness.hpp"

#include <dunlin/function.hpp>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

struct facts {
    std::uint64_t id = 0;
    std::uint32_t attempt = 0;
    std::string function = {};
    bytes key = {};
    std::string trace = {};
    DUNLIN_FIELDS(id, attempt, function, key, trace)
};

facts tell(context& ctx) {
    return {ctx.invocation_id(), ctx.attempt(), std::string(ctx.function()), bytes(ctx.key()),
            std::string(ctx.trace())};
}

std::optional<std::int64_t> seconds_left(context& ctx) {
    const auto deadline = ctx.deadline();
    if (deadline == context::clock::time_point::max()) return std::nullopt;
    // The steady clock goes on and the host's time stands still: nearly the same for now.
    const auto left = deadline - context::clock::now();
    if (left > ctx.remaining() || left < ctx.remaining() - 10s) return -1;
    return std::chrono::round<std::chrono::seconds>(ctx.remaining()).count();
}

void logs(context& ctx) {
    const std::string text = "a b";
    ctx.log().debug("plain");
    ctx.log().info("counted", {{"words", 12}, {"total", std::uint64_t{1} << 63}, {"share", 0.5}});
    ctx.log().warn("odd", {{"text", text}, {"empty", ""}, {"word", "word"}, {"flag", true}});
    ctx.log().error("broken",
                    {{"line", "two\nlines"}, {"quote", "say \"x=1\" \\"}, {"esc", "\x1b"}});
    ctx.log().info("", {{"only", -1}});
}

int stops_seen = 0;

task<int> waits_for_stop(int, context& ctx) {
    const std::stop_callback seen(ctx.stop_token(), [] { ++stops_seen; });
    const auto ended = co_await ctx.sleep_for(1h);
    co_return ended || !ctx.stop_requested() || !ctx.stop_token().stop_requested() ? 0 : 1;
}
bool takes_token(context& ctx) { return ctx.stop_token().stop_requested(); }

task<result<void>> calls_with_options(int, context& ctx) {
    const std::string name = "a-module-with-a-long-name/" + std::string(40, 'f');
    // Awaited after the name is gone.
    std::vector<call_operation<void>> calls;
    calls.push_back(ctx.invoke<void>(name + "_1", 5, {.timeout = 2s, .key = "customer " + name}));
    calls.push_back(ctx.invoke<void>(name + "_2"));
    const auto replies = co_await when_all(std::move(calls));
    co_return replies[0];
}

void describe(module_builder& m) {
    m.function("tell", tell);
    m.function("seconds_left", seconds_left);
    m.function("logs", logs);
    m.function("waits_for_stop", waits_for_stop);
    m.function("takes_token", takes_token);
    m.function("calls_with_options", calls_with_options);
}

}  // namespace

TEST_CASE("a context tells the facts of its call") {
    module_harness m(describe);
    fake_call& call = m.host.prepare(nullptr);
    call.invocation_id = 123'456'789'012;
    call.attempt = 2;
    call.function = "test/tell";
    call.key = "customer-7";
    call.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const auto told = m.host.start(m["tell"], call).reply<facts>().value();
    CHECK(told.id == 123'456'789'012);
    CHECK(told.attempt == 2);
    CHECK(told.function == "test/tell");
    CHECK(as_text(told.key) == "customer-7");
    CHECK(told.trace == call.trace);
    const auto bare = m.run("tell", nullptr).reply<facts>().value();
    CHECK(bare.key.empty());
    CHECK(bare.trace.empty());
}

TEST_CASE("a context knows its deadline, or that there is none") {
    module_harness m(describe);
    fake_call& call = m.host.prepare(nullptr);
    call.deadline = 90s;
    m.host.now = 30s;
    CHECK(m.host.start(m["seconds_left"], call).reply<std::int64_t>().value() == 60);
    CHECK(m.run("seconds_left", nullptr).reply<std::optional<int>>().value() == std::nullopt);
    fake_call& late = m.host.prepare(nullptr);
    late.deadline = 20s;
    CHECK(m.host.start(m["seconds_left"], late).reply<int>().value() == -10);
}

TEST_CASE("log lines carry values as key=value, quoted where they have to be") {
    module_harness m(describe);
    m.run("logs", nullptr);
    CHECK(m.host.log == std::vector<std::string>{
                            "debug: plain",
                            "info: counted words=12 total=9223372036854775808 share=0.5",
                            "warn: odd text=\"a b\" empty=\"\" word=word flag=true",
                            R"(error: broken line="two\nlines" quote="say \"x=1\" \\" esc="\x1b")",
                            "info: only=-1",
                        });
}

TEST_CASE("a stop reaches the token once and the sleep ends") {
    module_harness m(describe);
    stops_seen = 0;
    fake_call& call = m.run("waits_for_stop", 1);
    CHECK(stops_seen == 0);
    m.host.request_stop(call);
    CHECK(stops_seen == 1);
    CHECK_FALSE(call.answered);
    m.host.complete_error(0, errc::cancelled, "the caller withdrew the call");
    CHECK(call.reply<int>().value() == 1);
    CHECK(call.on_stop == nullptr);
    CHECK(stops_seen == 1);
}

TEST_CASE("a token that is asked for after the stop is stopped already") {
    module_harness m(describe);
    fake_call& call = m.host.prepare(nullptr);
    call.stop = true;
    CHECK(m.host.start(m["takes_token"], call).reply<bool>().value());
    CHECK_FALSE(m.run("takes_token", nullptr).reply<bool>().value());
}

TEST_CASE("a call carries its name, payload, key and timeout, whenever it is awaited") {
    module_harness m(describe);
    m.run("calls_with_options", 1);
    REQUIRE(m.host.operations.size() == 2);
    const std::string name = "a-module-with-a-long-name/" + std::string(40, 'f');
    CHECK(m.host.operations[0].function == name + "_1");
    CHECK(m.host.operations[0].key == "customer " + name);
    CHECK(m.host.operations[0].duration == 2s);
    CHECK(decode<int>(m.host.operations[0].payload).value() == 5);
    CHECK(m.host.operations[1].function == name + "_2");
    CHECK(m.host.operations[1].key.empty());
    CHECK(m.host.operations[1].duration == 0s);
    CHECK(m.host.operations[1].payload == encode(nullptr));
    m.host.complete(0, nullptr);
    m.host.complete(0, nullptr);
}
