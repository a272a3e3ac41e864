// SPDX-License-Identifier: Apache-2.0
//
// A module that throws while it is loaded.
#include <dunlin/function.hpp>

#include <stdexcept>

DUNLIN_MODULE(throws, m) {
    m.function("unreachable", [](int n) { return n; });
    throw std::runtime_error("the model file is missing");
}
