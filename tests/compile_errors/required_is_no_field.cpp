// SPDX-License-Identifier: Apache-2.0
//
// error: DUNLIN_REQUIRED names a member that is no field
//
// names: page
#include <dunlin/function.hpp>

#include <string>

struct page {
    std::string url;
    std::string text;
    DUNLIN_FIELDS(url)
    DUNLIN_REQUIRED(text)
};

DUNLIN_MODULE(text, m) {
    m.function("url", [](const page& p) { return p.url; });
}
