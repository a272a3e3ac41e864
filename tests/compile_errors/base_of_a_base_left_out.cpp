// SPDX-License-Identifier: Apache-2.0
//
// error: a base of this struct has DUNLIN_FIELDS as well, which would be lost
//
// names: article
#include <dunlin/function.hpp>

#include <string>

struct numbered {
    int id = 0;
    DUNLIN_FIELDS(id)
};

struct page : numbered {
    std::string url;
    DUNLIN_FIELDS(url)
    DUNLIN_BASE(numbered)
};

struct article : page {
    std::string author;
    DUNLIN_FIELDS(author)
};

DUNLIN_MODULE(text, m) {
    m.function("url", [](const article& a) { return a.url; });
}
