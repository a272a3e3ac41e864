// SPDX-License-Identifier: Apache-2.0
//
// A module that adds two functions of one name.
#include <dunlin/function.hpp>

DUNLIN_MODULE(twice, m) {
    m.function("count", [](int n) { return n; });
    m.function("count", [](double n) { return n; });
}
