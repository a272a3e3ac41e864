// SPDX-License-Identifier: Apache-2.0
//
// The input of greeting/greet, shared by the module and the program that calls it.
#pragma once

#include <dunlin/function.hpp>

#include <string>
#include <vector>

struct guest {
    std::string name;
    std::vector<std::string> titles;
    DUNLIN_FIELDS(name, titles)
};
