// SPDX-License-Identifier: Apache-2.0
//
// A module that keeps another type of state in a space of the module `visits`.
#include <dunlin/function.hpp>

#include <cstdint>

namespace {

struct counter {
    std::int32_t value = 0;
    DUNLIN_FIELDS(value)
};

}  // namespace

DUNLIN_MODULE(visits_twice, m) {
    m.function("decrement", [](counter& c) { return --c.value; }).space("counters");
}
