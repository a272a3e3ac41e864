// SPDX-License-Identifier: Apache-2.0
//
// error: the type of this field cannot travel
//
// names: page::guard
#include <dunlin/function.hpp>

#include <mutex>

struct page {
    std::string url;
    std::mutex guard;
    DUNLIN_FIELDS(url, guard)
};

DUNLIN_MODULE(text, m) {
    m.function("url", [](const page& p) { return p.url; });
}
