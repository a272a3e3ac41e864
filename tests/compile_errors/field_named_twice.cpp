// SPDX-License-Identifier: Apache-2.0
//
// error: DUNLIN_FIELDS names a field twice
//
// names: page
#include <dunlin/function.hpp>

#include <string>

struct page {
    std::string url;
    DUNLIN_FIELDS(url, url)
};

DUNLIN_MODULE(text, m) {
    m.function("url", [](const page& p) { return p.url; });
}
