// SPDX-License-Identifier: Apache-2.0
//
// error: take the input as const In&, or as In to have it moved in
#include <dunlin/function.hpp>

#include <string>

DUNLIN_MODULE(text, m) {
    m.function("trim", [](std::string& text) { return text; });
}
