// SPDX-License-Identifier: Apache-2.0
//
// error: a member function needs an object to be called on: give a lambda that holds one
#include <dunlin/function.hpp>

#include <string>

struct shop {
    int price(int number) const { return number; }
};

DUNLIN_MODULE(text, m) { m.function("price", &shop::price); }
