// SPDX-License-Identifier: Apache-2.0
//
// error: no payload can become the function's input: give the type DUNLIN_FIELDS
#include <dunlin/function.hpp>

#include <string>

struct page {
    std::string url;
};

DUNLIN_MODULE(text, m) {
    m.function("url", [](const page& p) { return p.url; });
}
