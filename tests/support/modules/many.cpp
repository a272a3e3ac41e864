// SPDX-License-Identifier: Apache-2.0
//
// A module of ten thousand functions, f0 to f9999, as an author's would be who has so many: each
// with a description and schemas. What is linear in functions shows with it.
#include <dunlin/function.hpp>

#include <string>

namespace {

constexpr int functions = 10'000;

struct order {
    std::string item;
    int count = 1;
    DUNLIN_FIELDS(item, count)
};

}  // namespace

DUNLIN_MODULE(many, m) {
    for (int i = 0; i < functions; ++i)
        m.function("f" + std::to_string(i), [i](const order& wanted) { return i + wanted.count; })
            .description("Adds " + std::to_string(i) + " to a count.")
            .idempotent();
}
