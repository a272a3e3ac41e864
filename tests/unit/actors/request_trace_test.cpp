// SPDX-License-Identifier: Apache-2.0
#include "actors/request_trace.hpp"

#include "tests/support/catch.hpp"

#include <cctype>
#include <set>
#include <string>

using namespace dunlin::actors;

namespace {

constexpr std::string_view given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct named : invocation {
    explicit named(std::uint64_t with_id, std::uint64_t with_source = 0,
                   std::int64_t arrived_at_ns = 0) {
        id = with_id;
        source = with_source;
        arrived_ns = arrived_at_ns;
    }
};

std::string id(const invocation& call, std::uint64_t instance = 1) {
    return std::string(request_trace(call, instance).id());
}

}  // namespace

TEST_CASE("a request is known by the trace id of its caller") {
    named call(1, 2);
    call.trace = given;
    const request_trace trace(call, 3);
    CHECK(trace.id() == "4bf92f3577b34da6a3ce929d0e0e4736");
    CHECK(trace.text() == given);
}

TEST_CASE("a request without a trace has one id on every node, and another than all others") {
    CHECK(id(named(7, 9, 100), 1) == id(named(7, 9, 2000), 2));
    std::set<std::string> ids;
    for (std::uint64_t i = 0; i < 1000; ++i)
        for (std::uint64_t source = 1; source < 4; ++source) ids.insert(id(named(i << 28, source)));
    // Callers that tell no origin number their calls alike.
    for (std::int64_t ns = 0; ns < 1000; ++ns) ids.insert(id(named(268'435'456, 0, ns)));
    ids.insert(id(named(268'435'456, 0, 0), 2));
    CHECK(ids.size() == 4001);
}

TEST_CASE("a request whose caller tells no origin keeps its id when it is sent on") {
    const named call(3, 0, 1'000);
    const named sent_on(name_of(call, 5).id, 5);
    CHECK(id(sent_on, 9) == id(call, 5));
}

TEST_CASE("a call has one name on its way, and no two have the same") {
    const named by_caller(7, 9, 100);
    CHECK(name_of(by_caller, 1) == call_name{9, 7});
    // Calls without an origin, of callers that number them alike, that came in one moment.
    std::set<std::uint64_t> numbers;
    for (std::uint32_t slot = 0; slot < 30; ++slot)
        for (std::uint32_t generation = 0; generation < 30; ++generation) {
            named call(1, 0, 100);
            call.address = {slot, generation};
            const auto name = name_of(call, 5);
            CHECK(name.origin == 5);
            numbers.insert(name.id);
            // The next node is told it, and tells it on.
            const named sent_on(name.id, name.origin, 300);
            CHECK(name_of(sent_on, 6) == name);
            // What its function calls in turn.
            for (std::uint32_t operation = 1; operation < 4; ++operation)
                numbers.insert(inner_number(call, 5, {2, operation}));
        }
    CHECK(numbers.size() == 30 * 30 * 4);
}

TEST_CASE("a made trace context is one by the standard's rules, and is read back") {
    for (std::uint64_t i = 0; i < 1000; ++i) {
        const named call(i, i % 2);
        const request_trace made(call, 5);
        const std::string text(made.text());
        INFO(text);
        REQUIRE(text.size() == 55);
        for (std::size_t at = 0; at < text.size(); ++at) {
            const bool dash = at == 2 || at == 35 || at == 52;
            REQUIRE((text[at] == '-') == dash);
            REQUIRE((dash || (std::isxdigit(text[at]) != 0 && std::isupper(text[at]) == 0)));
        }
        REQUIRE(text.substr(0, 2) == "00");
        REQUIRE(text.substr(36, 16) != std::string(16, '0'));
        REQUIRE(trace_id_of(text) == made.id());
        named inner(i);
        inner.trace = text;
        REQUIRE(id(inner, 77) == made.id());
    }
}

TEST_CASE("what is no trace context is passed on and names nothing") {
    for (const auto* text : {"", "mine", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
                             "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                             "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                             "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01"})
        CHECK(trace_id_of(text).empty());
    named call(1, 2);
    call.trace = "mine";
    CHECK(request_trace(call, 3).text() == "mine");
    CHECK(id(call) == id(named(1, 2)));
}
