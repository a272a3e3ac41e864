// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/trace.hpp"

#include "runtime/rehearsal/utc_time.hpp"
#include "tests/support/catch.hpp"

#include <sstream>

using namespace dunlin;
using namespace dunlin::runtime::rehearsal;

namespace {

constexpr std::int64_t second = 1'000'000'000;

result<trace> read(const std::string& text) {
    std::istringstream from(text);
    return read_trace(from, "t.csv");
}

std::string refusal(const std::string& text) {
    const auto made = read(text);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == errc::invalid_argument);
    return made.error().detail;
}

bool says(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

const std::string two_functions =
    "HashOwner,HashApp,HashFunction,Trigger,480,481\n"
    "o,a,f1,http,1,2\n"
    "o,a,f2,queue,0,7\n";

std::string durations_refusal(const std::string& text) {
    auto load = read(two_functions);
    REQUIRE(load);
    std::istringstream from(text);
    const auto made = read_durations(from, "d.csv", *load);
    REQUIRE_FALSE(made);
    return made.error().detail;
}

}  // namespace

TEST_CASE("a trace of one function is times and counts") {
    const auto made = read(
        "period,count\n1998-06-10 00:00:00,5\n1998-06-10 00:01:00,7\r\n\n"
        "1998-06-10T00:03:00.5Z,0\n");
    REQUIRE(made);
    CHECK(made->name == "t.csv");
    REQUIRE(made->functions.size() == 1);
    CHECK(made->functions[0].name.empty());
    CHECK(made->functions[0].counts == std::vector<std::uint32_t>{5, 7, 0});
    // The last period is as long as the one before it.
    CHECK(made->edges_ns ==
          std::vector<std::int64_t>{0, 60 * second, 180 * second + second / 2, 301 * second});
    CHECK(made->periods() == 3);
    CHECK(made->length_ns() == 301 * second);
    CHECK(made->calls() == 12);
}

TEST_CASE("a trace of many functions is counts by minute, with service times beside it") {
    auto made = read("\xef\xbb\xbf" + two_functions);
    REQUIRE(made);
    REQUIRE(made->functions.size() == 2);
    CHECK(made->functions[1].name == "f2");
    CHECK(made->functions[1].line == 3);
    CHECK(made->functions[1].counts == std::vector<std::uint32_t>{0, 7});
    CHECK(made->edges_ns == std::vector<std::int64_t>{0, 60 * second, 120 * second});
    CHECK(made->functions[1].service_ns < 0);

    std::istringstream from(
        "HashOwner,HashApp,HashFunction,Average,Count\n"
        "o,a,f2,1.5,3\no,a,unknown,9,9\no,a,f1,0,3\n");
    REQUIRE(read_durations(from, "d.csv", *made));
    CHECK(made->functions[0].service_ns == 0);
    CHECK(made->functions[1].service_ns == 1.5e6);
}

TEST_CASE("a trace that is empty or has wrong columns is refused") {
    CHECK(says(refusal(""), "t.csv: the trace is empty; expected \"period,count\""));
    CHECK(says(refusal("time,calls\n1,2\n"), "t.csv:1: wrong columns; expected"));
    CHECK(says(refusal("\x7f"
                       "ELF\n"),
               "t.csv:1: wrong columns"));
    CHECK(says(refusal("period,count\n"), "t.csv: the trace has no lines below its head"));
    CHECK(says(refusal("period,count\n1998-06-10 00:00:00,5\n"), "one line only"));
    CHECK(says(refusal("period,count\n1998-06-10 00:00:00,5,6\n"),
               "t.csv:2: expected two columns, a UTC time and a count; there are 3"));
    CHECK(says(refusal("period,count\n1998-06-10 00:00:00\n"), "there is 1"));
    CHECK(says(refusal("period,count\nyesterday,5\n"), "t.csv:2: 'yesterday' is no UTC time"));
    CHECK(says(refusal("period,count\n" + std::string(100, 'x') + ",5\n"),
               "'" + std::string(40, 'x') + "...' is no UTC time"));
}

TEST_CASE("a trace that is not sorted is refused") {
    CHECK(says(refusal("period,count\n1998-06-10 00:01:00,5\n1998-06-10 00:00:00,5\n"),
               "t.csv:3: the time '1998-06-10 00:00:00' is not after the one before it; sort"));
    CHECK(says(refusal("period,count\n1998-06-10 00:01:00,5\n1998-06-10 00:01:00,5\n"),
               "is not after"));
    CHECK(says(refusal("period,count\n1998-06-10 00:01:00,5\n2098-06-10 00:01:00,5\n"),
               "lasts more than 400 days"));
}

TEST_CASE("counts that cannot be are refused") {
    const std::string head = "period,count\n1998-06-10 00:00:00,1\n1998-06-10 00:01:00,";
    CHECK(says(refusal(head + "-1\n"), "t.csv:3: the count '-1' is negative"));
    CHECK(says(refusal(head + "1000000000\n"), "is above 100000000; cut the period"));
    CHECK(says(refusal(head + "99999999999999999999999\n"), "is above 100000000"));
    CHECK(says(refusal(head + "1.5\n"), "the count '1.5' is no whole number"));
    CHECK(says(refusal(head + "\n"), "the count '' is no whole number"));
    CHECK(read(head + "100000000\n"));
}

TEST_CASE("a trace of many functions with what cannot be is refused") {
    const std::string head = "HashOwner,HashApp,HashFunction,Trigger,1,2\n";
    CHECK(says(refusal("HashOwner,HashApp,HashFunction,Trigger\no,a,f,http\n"),
               "has 0 columns of counts"));
    CHECK(says(refusal("HashOwner,HashApp,HashFunction,Trigger,1,x\n"), "'x' is no number"));
    CHECK(says(refusal("HashOwner,HashApp,HashFunction,Trigger,1,3\n"),
               "t.csv:1: the minute '3' follows the minute 1"));
    CHECK(says(refusal(head), "no lines below its head"));
    CHECK(says(refusal(head + "o,a,f,http,1\n"),
               "t.csv:2: there are 5 columns where the head has 6"));
    CHECK(says(refusal(head + "o,a,f,http,1,-2\n"), "is negative"));
    CHECK(says(refusal(head + "o,a,,http,1,2\n"), "HashFunction is empty"));
    CHECK(says(refusal(head + "o,a,f,http,1,2\no,a,f,http,1,2\n"),
               "t.csv:3: the function 'f' stands in line 2 already"));
}

TEST_CASE("durations that are missing or cannot be are refused") {
    CHECK(says(durations_refusal(""), "d.csv: the file of durations is empty"));
    CHECK(says(durations_refusal("a,b\n"), "d.csv:1: wrong columns; expected HashFunction and"));
    const std::string head = "HashFunction,Average\n";
    CHECK(says(durations_refusal(head + "f1,3\n"),
               "d.csv: no durations for the function 'f2' of t.csv:3; add a line"));
    CHECK(says(durations_refusal(head + "f1\n"),
               "d.csv:2: there are 1 columns where the head has 2"));
    for (const std::string bad : {"-1", "x", "", "nan", "inf", "1e300", "3ms"})
        CHECK(says(durations_refusal(head + "f1," + bad + "\n"), "is no time in milliseconds"));
}

TEST_CASE("files that cannot be read are refused by name") {
    const auto missing = read_trace_file("/nowhere/t.csv");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().detail == "/nowhere/t.csv: No such file or directory");
    const auto folder = read_trace_file("/");
    REQUIRE_FALSE(folder);
    CHECK(folder.error().detail == "/: is a folder; name a file");
}

TEST_CASE("UTC times are read as they are written, and no others") {
    CHECK(parse_utc("1970-01-01 00:00:00") == 0);
    CHECK(parse_utc("1998-06-10T00:01:00Z") == 897'436'860 * second);
    CHECK(parse_utc("1970-01-01 00:00:00.25") == second / 4);
    CHECK(parse_utc("1970-01-01 00:00:00.000000001") == 1);
    CHECK(parse_utc("2024-02-29 23:59:60") == 1'709'251'200 * second);
    for (const auto* bad :
         {"", "1998-06-10", "1998-06-10 00:01", "1998-13-10 00:01:00", "2023-02-29 00:00:00",
          "1998-06-10 24:00:00", "1998-06-10 00:60:00", "1998-06-10 00:00:00.",
          "1998-06-10 00:00:00.1234567890", "1998-06-10 00:00:00.x", "1998-06-10 00:00:00+02:00",
          "1969-12-31 00:00:00", "9999-01-01 00:00:00", "1998/06/10 00:01:00"})
        CHECK_FALSE(parse_utc(bad));
}

TEST_CASE("the columns of many functions may be times in place of minutes") {
    const std::string head = "HashOwner,HashApp,HashFunction,Trigger,";
    const auto made = read(
        head + "2026-01-01 00:00:00,2026-01-01 00:00:00.1,2026-01-01 00:00:00.3\no,a,f,x,1,2,3\n");
    REQUIRE(made);
    CHECK(made->edges_ns == std::vector<std::int64_t>{0, second / 10, 3 * second / 10, second / 2});
    CHECK(made->functions[0].counts == std::vector<std::uint32_t>{1, 2, 3});

    CHECK(says(refusal(head + "2026-01-01 00:00:00\no,a,f,x,1\n"), "t.csv:1: there is one column"));
    CHECK(says(refusal(head + "2026-01-01 00:00:00,7\no,a,f,x,1,1\n"),
               "'7' is no UTC time, and those before it are"));
    CHECK(says(refusal(head + "2026-01-01 00:00:01,2026-01-01 00:00:01\no,a,f,x,1,1\n"),
               "is not after the one before it"));
    CHECK(says(refusal(head + "2026-01-01 00:00:01,2028-01-01 00:00:01\no,a,f,x,1,1\n"),
               "is too long"));
    CHECK(
        says(refusal(head + "480,2026-01-01 00:00:01\no,a,f,x,1,1\n"), "is no number of a minute"));
}

TEST_CASE("one call in so many keeps the shape of a trace and its sum") {
    auto load = *read(two_functions);
    load.functions[0].counts = {5, 0, 4, 100, 1};
    load.functions[1].counts = {0, 2, 2, 2, 2};
    keep_one_in(load, 1);
    CHECK(load.functions[0].counts == std::vector<std::uint32_t>{5, 0, 4, 100, 1});
    keep_one_in(load, 3);
    CHECK(load.functions[0].counts == std::vector<std::uint32_t>{1, 0, 2, 33, 0});
    CHECK(load.functions[1].counts == std::vector<std::uint32_t>{0, 0, 1, 1, 0});
    keep_one_in(load, 100);
    CHECK(load.calls() == 0);
}
