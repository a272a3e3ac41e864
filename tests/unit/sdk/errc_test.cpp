// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"

#include <dunlin/result.hpp>

#include <set>
#include <string>

using namespace dunlin;

TEST_CASE("every error code keeps the number and the name that are on the wire") {
    CHECK(static_cast<int>(errc::unknown) == 1);
    CHECK(static_cast<int>(errc::invalid_argument) == 2);
    CHECK(static_cast<int>(errc::not_found) == 3);
    CHECK(static_cast<int>(errc::unauthenticated) == 4);
    CHECK(static_cast<int>(errc::permission_denied) == 5);
    CHECK(static_cast<int>(errc::deadline_exceeded) == 6);
    CHECK(static_cast<int>(errc::cancelled) == 7);
    CHECK(static_cast<int>(errc::overloaded) == 8);
    CHECK(static_cast<int>(errc::unavailable) == 9);
    CHECK(static_cast<int>(errc::conflict) == 10);
    CHECK(static_cast<int>(errc::failed) == 11);
    CHECK(static_cast<int>(errc::internal) == 12);

    std::set<std::string> names;
    for (int number = 1; number <= 12; ++number) {
        CHECK(static_cast<int>(errc_from_number(number)) == number);
        names.emplace(to_string(errc_from_number(number)));
    }
    CHECK(names.size() == 12);
    CHECK(names.contains("deadline_exceeded"));
}

TEST_CASE("a code of a newer peer becomes unknown") {
    CHECK(errc_from_number(13) == errc::unknown);
    CHECK(errc_from_number(0) == errc::unknown);
    CHECK(errc_from_number(-1) == errc::unknown);
    CHECK(errc_from_number(std::numeric_limits<std::int64_t>::max()) == errc::unknown);
}

TEST_CASE("an error prints as its code and its detail") {
    CHECK(to_string(error{errc::not_found, "no function text/x"}) ==
          "not_found: no function text/x");
    CHECK(to_string(error{errc::cancelled, {}}) == "cancelled");
}

TEST_CASE("the value of a result that has none throws its error") {
    const result<int> refused{errc::conflict, "someone was first"};
    try {
        static_cast<void>(refused.value());
        FAIL("nothing was thrown");
    } catch (const call_error& thrown) {
        CHECK(thrown.code() == errc::conflict);
        CHECK(std::string(thrown.what()) == "conflict: someone was first");
    }
    CHECK_THROWS_AS(result<void>(errc::failed, "no").value(), call_error);
    CHECK_NOTHROW(result<void>().value());
    CHECK(result<int>(3).value() == 3);
}
