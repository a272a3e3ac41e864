// SPDX-License-Identifier: Apache-2.0
//
// A module whose functions have state: counters, and visits of pages by visitor.
#include <dunlin/function.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace {

struct page {
    std::string visitor;
    std::string url;
    DUNLIN_FIELDS(visitor, url)
};

struct visits {
    std::uint64_t count = 0;
    std::string last_page;
    DUNLIN_FIELDS(count, last_page)
};

struct counter {
    std::uint64_t value = 0;
    DUNLIN_FIELDS(value)
};

std::uint64_t visit(const page& p, visits& seen) {
    seen.last_page = p.url;
    return ++seen.count;
}

// During its own turn it has the visitor that the page names visit, too.
dunlin::task<std::uint64_t> bring(page p, visits& seen, dunlin::context& ctx) {
    const page other{p.url, p.visitor};
    const auto brought = co_await ctx.invoke<std::uint64_t>("visits/visit", other);
    ++seen.count;
    co_return brought.value();
}

visits show(const page&, const visits& seen) { return seen; }

std::uint64_t increment(counter& c) { return ++c.value; }

std::optional<std::uint64_t> peek(dunlin::no_input, const std::optional<counter>& c) {
    if (!c) return std::nullopt;
    return c->value;
}

bool erase(std::optional<counter>& c) {
    const bool was_there = c.has_value();
    c.reset();
    return was_there;
}

std::uint64_t double_it(std::uint64_t n) { return 2 * n; }

}  // namespace

DUNLIN_MODULE(visits, m) {
    m.function("visit", visit).keyed_by(&page::visitor).space("visitors");
    m.function("show", show).keyed_by(&page::visitor).space("visitors").relaxed();
    m.function("increment", increment).space("counters");
    m.function("peek", peek).space("counters");
    m.function("erase", erase).space("counters");
    m.function("double", double_it).space("turns");
    m.function("bring", bring).keyed_by(&page::visitor).space("visitors");
    m.function("increment_again", increment).space("counters").idempotent();
}
