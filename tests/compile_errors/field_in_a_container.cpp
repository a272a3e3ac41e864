// SPDX-License-Identifier: Apache-2.0
//
// error: a raw pointer cannot travel: hold the value itself
//
// names: author::agent
#include <dunlin/function.hpp>

#include <vector>

struct author {
    std::string* agent = nullptr;
    DUNLIN_FIELDS(agent)
};

struct page {
    std::vector<author> authors;
    DUNLIN_FIELDS(authors)
};

DUNLIN_MODULE(text, m) {
    m.function("copy", [](const page& p) { return p; });
}
