// SPDX-License-Identifier: Apache-2.0
//
// error: no lambda with auto parameters, no template and no overloaded operator()
#include <dunlin/function.hpp>

#include <string>

DUNLIN_MODULE(text, m) {
    m.function("copy", [](const auto& value) { return value; });
}
