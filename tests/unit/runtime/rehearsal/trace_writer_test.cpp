// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/trace_writer.hpp"

#include "runtime/rehearsal/utc_time.hpp"
#include "tests/support/catch.hpp"

#include <sstream>

using namespace dunlin::runtime::rehearsal;

namespace {

constexpr std::int64_t tenth = 100'000'000;

trace recorded(std::vector<std::vector<std::uint32_t>> counts) {
    trace made{"t", {}, {}};
    for (std::size_t i = 0; i <= counts.front().size(); ++i)
        made.edges_ns.push_back(static_cast<std::int64_t>(i) * tenth);
    for (auto& each : counts) {
        const auto number = made.functions.size() + 1;
        made.functions.push_back({"m/f" + std::to_string(number), number + 1,
                                  2.5e6 * static_cast<double>(number), std::move(each)});
    }
    return made;
}

std::string written(const trace& of) {
    std::ostringstream to;
    write_trace(to, of, *parse_utc("2026-11-30 06:41:59.900"));
    return to.str();
}

trace read_back(const std::string& text) {
    std::istringstream from(text);
    auto made = read_trace(from, "t");
    INFO(text);
    REQUIRE(made);
    return std::move(*made);
}

}  // namespace

TEST_CASE("times are written as they are read") {
    for (const auto* text : {"1998-06-10 00:01:00", "2026-11-30 06:41:59.900",
                             "1970-01-01 00:00:00", "2024-02-29 23:59:59.007"})
        CHECK(format_utc(*parse_utc(text)) == text);
}

TEST_CASE("a trace of one function is read back with its periods of a tenth of a second") {
    const auto of = recorded({{5, 0, 7}});
    const auto text = written(of);
    CHECK(text ==
          "period,count\n2026-11-30 06:41:59.900,5\n2026-11-30 06:42:00,0\n"
          "2026-11-30 06:42:00.100,7\n");
    const auto back = read_back(text);
    CHECK(back.edges_ns == of.edges_ns);
    CHECK(back.functions[0].counts == of.functions[0].counts);
}

TEST_CASE("a trace of many functions is read back with its service times") {
    const auto of = recorded({{5, 0, 7}, {1, 2, 3}});
    const auto text = written(of);
    CHECK(text ==
          "HashOwner,HashApp,HashFunction,Trigger,2026-11-30 06:41:59.900,2026-11-30 06:42:00,"
          "2026-11-30 06:42:00.100\ndunlin,m,m/f1,call,5,0,7\ndunlin,m,m/f2,call,1,2,3\n");
    auto back = read_back(text);
    CHECK(back.edges_ns == of.edges_ns);
    std::stringstream durations;
    write_durations(durations, of);
    REQUIRE(read_durations(durations, "d", back));
    REQUIRE(back.functions.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(back.functions[i].name == of.functions[i].name);
        CHECK(back.functions[i].line == of.functions[i].line);
        CHECK(back.functions[i].counts == of.functions[i].counts);
        CHECK(back.functions[i].service_ns == of.functions[i].service_ns);
    }
}

TEST_CASE("a single period is followed by one without calls, which says how long it was") {
    for (const auto& of : {recorded({{5}}), recorded({{5}, {6}})}) {
        const auto back = read_back(written(of));
        CHECK(back.edges_ns == std::vector<std::int64_t>{0, tenth, 2 * tenth});
        CHECK(back.functions[0].counts == std::vector<std::uint32_t>{5, 0});
    }
}
