// SPDX-License-Identifier: Apache-2.0
//
// What the others do wrong, done right: this one compiles, without a warning.
#include <dunlin/client.hpp>
#include <dunlin/function.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// What macros leave in the author's own text has to be clean by the author's standards.
#pragma GCC diagnostic error "-Wctad-maybe-unsupported"

namespace {

struct numbered {
    int id = 0;
    DUNLIN_FIELDS(id)
};

struct page : numbered {
    page() = default;
    std::string url;
    std::chrono::milliseconds changed_ms_since_1970{};
    std::vector<page> links;
    std::unique_ptr<page> next;
    DUNLIN_FIELDS(url, changed_ms_since_1970, links, next)
    DUNLIN_BASE(numbered)
    DUNLIN_REQUIRED(url)
};

struct visits {
    std::uint64_t count = 0;
    std::string last_page;
    DUNLIN_FIELDS(count, last_page)
};

std::uint64_t visit(const page& p, visits& seen) {
    seen.last_page = p.url;
    return ++seen.count;
}
visits show(const page&, const visits& seen) { return seen; }
bool forget(std::optional<visits>& seen, dunlin::context& ctx) {
    ctx.expire_after(std::chrono::hours(1));
    const bool was_there = seen.has_value();
    seen.reset();
    return was_there;
}
dunlin::task<int> compare(dunlin::no_input, const std::optional<visits>& seen,
                          dunlin::context& ctx) {
    const auto other = co_await ctx.read<visits>("visitors", "anna", {.max_age = ctx.remaining()});
    const auto stored = co_await ctx.commit();
    co_return other && other->has_value() && seen&& stored ? 1 : 0;
}

struct shop {
    int price(int number) const { return number; }
};

dunlin::task<int> wait(int seconds, dunlin::context& ctx) {
    static_cast<void>(co_await ctx.sleep_for(std::chrono::seconds(seconds)));
    const auto once = [](int n) -> dunlin::task<int> { co_return n; };
    const auto [left, right] = co_await dunlin::when_all(once(1), ctx.invoke<int>("text/id", 2));
    const auto called =
        co_await ctx.await_callback<int>([](dunlin::completion<int> done) { done(1); });
    co_return left + right.value_or(0) + called.value_or(0);
}

// Options may stop at the first, which is no endpoint in braces.
dunlin::result<dunlin::client> stock() {
    return dunlin::client::connect({.endpoints = {"tcp://127.0.0.1:7440"}});
}

}  // namespace

DUNLIN_MODULE(text, m) {
    m.function("url", [](const page& p) { return p.url; });
    m.function("id", [](page p) { return p; });
    m.function("wait", wait);
    m.function("visit", visit).keyed_by(&page::url).space("visitors").durable();
    m.function("show", show).keyed_by(&page::id).space("visitors");
    m.function("forget", forget).space("visitors");
    m.function("compare", compare).space("visitors");
    m.function("sum", [](int more, int& sum) { return sum += more; }).relaxed();
    const auto shared = std::make_shared<dunlin::client>(stock().value());
    m.function("left", [shared](int number, dunlin::context& ctx) -> dunlin::task<int> {
        const auto left = co_await shared->async_invoke<int>(ctx, "stock/left", number);
        co_return left.value();
    });
    m.function("price",
               [all = std::make_shared<shop>()](int number) { return all->price(number); });
}
