// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/quantity.hpp"

#include "tests/support/catch.hpp"

#include <chrono>
#include <string>

using namespace dunlin::runtime;
using namespace std::chrono_literals;

TEST_CASE("a duration is a number and a unit") {
    CHECK(parse_duration("10s") == 10s);
    CHECK(parse_duration("500ms") == 500ms);
    CHECK(parse_duration("5us") == 5us);
    CHECK(parse_duration("7ns") == 7ns);
    CHECK(parse_duration("2m") == 2min);
    CHECK(parse_duration("1h") == 1h);
    CHECK(parse_duration("1.5s") == 1500ms);
    CHECK(parse_duration("0.25us") == 250ns);
    CHECK(parse_duration("10 s") == 10s);
    CHECK(parse_duration("0") == 0s);
}

TEST_CASE("what is no duration is refused with the units there are") {
    for (const char* text : {"", "10", "s", "10sec", "-1s", "1e3s", "1..5s", "ten s", "10 s "}) {
        const auto parsed = parse_duration(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().detail ==
              "'" + std::string(text) +
                  "' is not a duration; write a number and a unit (ns, us, ms, s, m, h), as in "
                  "500ms or 10s");
    }
}

TEST_CASE("a duration that no clock can hold is refused") {
    CHECK(parse_duration("900000h").error().detail == "'900000h' is longer than 100 years");
    CHECK(parse_duration("99999999999999999999s").error().detail ==
          "'99999999999999999999s' is longer than 100 years");
}

TEST_CASE("a duration is written in the largest unit that is exact") {
    CHECK(format_duration(10s) == "10s");
    CHECK(format_duration(1500ms) == "1500ms");
    CHECK(format_duration(120s) == "2m");
    CHECK(format_duration(0s) == "0s");
    CHECK(format_duration(1ns) == "1ns");
}

TEST_CASE("a size is bytes, or a number and a unit") {
    CHECK(parse_size("512") == 512);
    CHECK(parse_size("64KiB") == 65536);
    CHECK(parse_size("64kib") == 65536);
    CHECK(parse_size("16MiB") == 16U << 20);
    CHECK(parse_size("16M") == 16U << 20);
    CHECK(parse_size("1.5GiB") == 1610612736);
    CHECK(parse_size("10MB") == 10'000'000);
    CHECK(parse_size("1 TiB") == std::uint64_t{1} << 40);
    CHECK(parse_size("3B") == 3);
}

TEST_CASE("what is no size is refused") {
    CHECK(
        parse_size("16QiB").error().detail ==
        "'16QiB' is not a size; write bytes, or a number and a unit (KiB, MiB, GiB), as in 64KiB");
    CHECK_FALSE(parse_size(""));
    CHECK_FALSE(parse_size("-1"));
    CHECK_FALSE(parse_size("KiB"));
    CHECK(parse_size("9999999TiB").error().detail == "'9999999TiB' is too large for a size");
}

TEST_CASE("what format_size prints, parse_size reads back") {
    for (const std::uint64_t bytes :
         {0ULL, 1ULL, 1000ULL, 1024ULL, 1536ULL, 16ULL << 20, 3ULL << 40})
        CHECK(parse_size(format_size(bytes)) == bytes);
    CHECK(format_size(16U << 20) == "16MiB");
}

TEST_CASE("a count is a whole number, with or without groups") {
    CHECK(parse_count("1000000") == 1'000'000);
    CHECK(parse_count("1_000_000") == 1'000'000);
    CHECK(parse_count("1'000") == 1000);
    CHECK(parse_count("1.5").error().detail == "'1.5' is not a whole number");
    CHECK(parse_count("-1").error().detail == "'-1' is not a whole number");
    CHECK(parse_count("").error().detail == "'' is not a whole number");
    CHECK(parse_count("99999999999999999999").error().detail ==
          "'99999999999999999999' is too large for a number");
}
