// SPDX-License-Identifier: Apache-2.0
//
// A module as its author would write it, built with nothing but the installed package.
#include "guest.hpp"

#include <dunlin/function.hpp>

#include <string>

namespace {

std::string greet(const guest& who) {
    std::string text = "Hello, ";
    for (const auto& title : who.titles) text += title + " ";
    return text + who.name + "!";
}

}  // namespace

DUNLIN_MODULE(greeting, m) { m.function("greet", greet).idempotent(); }
