// SPDX-License-Identifier: Apache-2.0
//
// error: this struct has no DUNLIN_FIELDS of its own, only those of a base
//
// names: page
#include <dunlin/function.hpp>

#include <string>

struct numbered {
    int id = 0;
    DUNLIN_FIELDS(id)
};

struct page : numbered {
    std::string url;
};

DUNLIN_MODULE(text, m) {
    m.function("url", [](const page& p) { return p.url; });
}
