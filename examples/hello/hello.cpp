// SPDX-License-Identifier: Apache-2.0
#include <dunlin/function.hpp>

#include <string>

struct guest {
    std::string name = "world";
    DUNLIN_FIELDS(name)
};

static std::string greet(const guest& who) { return "Hello, " + who.name + "!"; }

DUNLIN_MODULE(hello, m) {
    m.function("greet", greet).idempotent().description("Greets someone by name.");
}
