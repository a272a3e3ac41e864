// SPDX-License-Identifier: Apache-2.0
//
// A module with a global whose constructor throws, before anything of Dunlin's has run.
#include <dunlin/function.hpp>

#include <stdexcept>

namespace {

struct global {
    global() { throw std::runtime_error("a global could not be made"); }
};
const global early;

}  // namespace

DUNLIN_MODULE(throws_in_global, m) {
    m.function("unreachable", [](int n) { return n; });
}
