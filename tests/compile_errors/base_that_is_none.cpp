// SPDX-License-Identifier: Apache-2.0
//
// error: DUNLIN_BASE names what is no base of this struct
//
// names: page
#include <dunlin/function.hpp>

#include <string>

struct numbered {
    int id = 0;
    DUNLIN_FIELDS(id)
};

struct page {
    std::string url;
    DUNLIN_FIELDS(url)
    DUNLIN_BASE(numbered)
};

DUNLIN_MODULE(text, m) {
    m.function("url", [](const page& p) { return p.url; });
}
