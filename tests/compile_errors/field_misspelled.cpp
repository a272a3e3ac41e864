// SPDX-License-Identifier: Apache-2.0
//
// error: urll
//
// absent: give the type DUNLIN_FIELDS
#include <dunlin/function.hpp>

#include <string>

struct page {
    std::string url;
    DUNLIN_FIELDS(urll)
};

DUNLIN_MODULE(text, m) {
    m.function("url", [](const page& p) { return p.url; });
}
