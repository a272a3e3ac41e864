// SPDX-License-Identifier: Apache-2.0
//
// A module with one function for each thing that a function can do, for tests of whole nodes.
//
// Its functions call each other and bench's, so a test needs nothing else loaded to see
// coroutines wait, fail, join and stop.
#include <dunlin/function.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <variant>
#include <vector>

namespace {

using dunlin::context;
using dunlin::errc;
using dunlin::error;
using dunlin::result;
using dunlin::task;

// -- inputs ----------------------------------------------------------------------------------

struct page {
    std::string url;
    std::string text;
    std::string language = "en";
    std::vector<std::uint8_t> words = {};
    DUNLIN_FIELDS(url, text, language, words)
    DUNLIN_REQUIRED(url, text)
};

struct circle {
    double radius = 0;
    DUNLIN_FIELDS(radius)
};
struct rectangle {
    double width = 0;
    double height = 0;
    DUNLIN_FIELDS(width, height)
};
using shape = std::variant<std::monostate, circle, rectangle>;

struct facts {
    std::uint64_t id = 0;
    std::uint32_t attempt = 0;
    std::string function = {};
    std::string trace = {};
    std::int64_t remaining_ms = 0;
    DUNLIN_FIELDS(id, attempt, function, trace, remaining_ms)
};

struct fan {
    std::string function = "types/next";
    std::uint32_t calls = 1;
    DUNLIN_FIELDS(function, calls)
};

page describe(const page& p) { return p; }

double area(const shape& s) {
    if (const auto* c = std::get_if<circle>(&s)) return 3 * c->radius * c->radius;
    if (const auto* r = std::get_if<rectangle>(&s)) return r->width * r->height;
    return 0;
}

std::map<std::string, std::uint64_t> count_words(std::string_view text) {
    std::map<std::string, std::uint64_t> counts;
    std::size_t start = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && text[i] != ' ') continue;
        if (i > start) ++counts[std::string(text.substr(start, i - start))];
        start = i + 1;
    }
    return counts;
}

// -- endings ---------------------------------------------------------------------------------

std::int64_t next(std::int64_t n) { return n + 1; }

result<std::int64_t> positive(std::int64_t n) {
    if (n <= 0) return error{errc::invalid_argument, "only positive numbers, please"};
    return n;
}

void throw_number() { throw 42; }

// -- coroutines ------------------------------------------------------------------------------

task<result<std::int64_t>> next_twice(std::int64_t n, context& ctx) {
    const auto once = co_await ctx.invoke<std::int64_t>("types/next", n);
    if (!once) co_return once.error();
    co_return co_await ctx.invoke<std::int64_t>("types/next", *once);
}

task<std::vector<std::int64_t>> fan_out(const fan& f, context& ctx) {
    std::vector<dunlin::call_operation<std::int64_t>> calls;
    for (std::uint32_t i = 0; i < f.calls; ++i) {
        calls.push_back(ctx.invoke<std::int64_t>(f.function, static_cast<std::int64_t>(i)));
    }
    std::vector<std::int64_t> out;
    for (const auto& reply : co_await dunlin::when_all(std::move(calls))) {
        out.push_back(reply.value());
    }
    co_return out;
}

task<std::tuple<std::int64_t, bool>> race(std::int64_t n, context& ctx) {
    const auto [reply, slept] = co_await dunlin::when_all(
        ctx.invoke<std::int64_t>("types/next", n), ctx.sleep_for(std::chrono::milliseconds(1)));
    co_return std::tuple{reply.value(), slept.has_value()};
}

task<void> throw_late(const std::string& why, context& ctx) {
    (co_await ctx.sleep_for(std::chrono::milliseconds(1))).value();
    throw std::runtime_error(why);
}

task<result<void>> wait(std::chrono::milliseconds time, context& ctx) {
    co_return co_await ctx.sleep_for(time);
}

// -- the context -----------------------------------------------------------------------------

facts tell(context& ctx) {
    using std::chrono::milliseconds;
    ctx.log().info("asked for facts", {{"attempt", ctx.attempt()}});
    return {ctx.invocation_id(), ctx.attempt(), std::string(ctx.function()),
            std::string(ctx.trace()),
            std::chrono::duration_cast<milliseconds>(ctx.remaining()).count()};
}

/// Blocks until it is stopped, at most for the given time; true when it was stopped.
bool block(std::chrono::milliseconds time, context& ctx) {
    const auto end = context::clock::now() + time;
    while (context::clock::now() < end) {
        if (ctx.stop_requested()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

/// Never answers by itself: only a deadline or a stop ends it.
task<result<void>> never(context& ctx) { co_return co_await ctx.sleep_for(std::chrono::years(1)); }

}  // namespace

DUNLIN_MODULE(types, m) {
    m.version("1.0");
    m.function("describe", describe).description("Gives back a page with its defaults.");
    m.function("area", area).idempotent();
    m.function("count_words", count_words).idempotent();
    m.function("next", next).idempotent();
    m.function("positive", positive);
    m.function("throw_number", throw_number);
    m.function("next_twice", next_twice).idempotent();
    m.function("fan_out", fan_out);
    m.function("race", race);
    m.function("throw_late", throw_late);
    m.function("wait", wait);
    m.function("tell", tell);
    m.function("block", block).blocking();
    m.function("never", never);
}
