// SPDX-License-Identifier: Apache-2.0
#include <dunlin/function.hpp>

#include <cstdint>
#include <string>

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

static std::uint64_t visit(const page& p, visits& seen) {
    seen.last_page = p.url;
    return ++seen.count;
}

static visits show(const page& /*p*/, const visits& seen) { return seen; }

DUNLIN_MODULE(site, m) {
    m.function("visit", visit)
        .keyed_by(&page::visitor)
        .space("visitors")
        .description("Counts a visitor's visits; returns how many there were.");
    m.function("show", show)
        .keyed_by(&page::visitor)
        .space("visitors")
        .description("Returns what is known of a visitor.");
}
