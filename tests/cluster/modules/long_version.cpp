// SPDX-License-Identifier: Apache-2.0
//
// A module whose version is longer than one may be on the wire.
#include <dunlin/function.hpp>

#include <string>

DUNLIN_MODULE(long_version, m) {
    m.version(std::string(300, '7'));
    m.function("greet", [](const std::string& name) { return "hello " + name; });
}
