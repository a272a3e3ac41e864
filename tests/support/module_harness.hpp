// SPDX-License-Identifier: Apache-2.0
//
// A module described inside a test, ready to be called on a fake host.
//
//     module_harness m([](module_builder& m) { m.function("plus", plus); });
//     CHECK(m.run("plus", 1).reply<int>().value() == 2);
//
// Checks on destruction that the border's rules were kept and nothing is left waiting. One thread.
#pragma once

#include "tests/support/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <dunlin/module.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace dunlin::testing {

class module_harness {
public:
    explicit module_harness(void (*describe)(module_builder& m))
        : module_("test", host.abi(), describe) {}
    ~module_harness() {
        CHECK_THAT(host.violations, Catch::Equals(std::vector<std::string>{}));
        CHECK(host.operations.empty());
        CHECK(host.tickets_open() == 0);
    }

    [[nodiscard]] const dunlin_module_info& info() const { return *module_.info(); }
    [[nodiscard]] const dunlin_function& operator[](std::string_view name) const {
        const dunlin_function* found = find_function(info(), name);
        if (found == nullptr) {
            throw std::logic_error("no function " + std::string(name) + ": " +
                                   (info().error != nullptr ? info().error : "not added"));
        }
        return *found;
    }
    template <class In>
    fake_call& run(std::string_view name, const In& in) {
        return host.run((*this)[name], in);
    }

    fake_host host;

private:
    module_builder module_;
};

}  // namespace dunlin::testing
