// SPDX-License-Identifier: Apache-2.0
//
// error: a point in time does not travel, as clocks differ
//
// names: page::changed
#include <dunlin/function.hpp>

#include <chrono>

struct page {
    std::chrono::system_clock::time_point changed;
    DUNLIN_FIELDS(changed)
};

DUNLIN_MODULE(text, m) {
    m.function("age", [](const page&) { return 1; });
}
