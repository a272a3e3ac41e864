// SPDX-License-Identifier: Apache-2.0
//
// The rule as a table: what each event leads to, with the facts that matter to it.
#include "client/attempt_rule.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::link;
using event = attempt_event;
using verdict = attempt_verdict;

namespace {

struct row {
    const char* what;
    attempt_facts facts;
    verdict unsent, refused, not_run, unavailable, lost, answered;
};

constexpr auto answer = verdict::answer;
constexpr auto drop = verdict::drop;
constexpr auto resend = verdict::resend;
constexpr auto budget = verdict::resend_in_budget;
constexpr auto elsewhere = verdict::resend_elsewhere;

constexpr attempt_facts once{.kept = true, .again = true, .first = true};
constexpr attempt_facts twice{.kept = true, .idempotent = true, .again = true, .first = true};

constexpr attempt_facts with(attempt_facts facts, bool attempt_facts::*fact, bool value) {
    facts.*fact = value;
    return facts;
}
constexpr attempt_facts lost_with(attempt_facts facts, std::uint32_t losses) {
    facts.losses = losses;
    return facts;
}

// clang-format off
const std::vector<row> table{
    //                                                        unsent  refused    not_run unavailable lost    answered
    {"nothing was kept", {},                                  resend, answer,    answer, answer,     answer, answer},
    {"runs once",        once,                                resend, elsewhere, budget, answer,     answer, answer},
    {"may run twice",    twice,                               resend, elsewhere, budget, budget,     resend, answer},
    {"was sent again",   with(twice, &attempt_facts::first, false),
                                                              resend, elsewhere, budget, budget,     budget, answer},
    {"no retry is left", with(twice, &attempt_facts::again, false),
                                                              resend, answer,    answer, answer,     answer, answer},
    {"has a key",        with(twice, &attempt_facts::keyed, true),
                                                              resend, answer,    budget, budget,     resend, answer},
    {"a copy goes on",   with(twice, &attempt_facts::copy, true),
                                                              drop,   drop,      drop,   drop,       drop,   answer},
    {"copy, none left",  with(with(twice, &attempt_facts::copy, true), &attempt_facts::again, false),
                                                              drop,   drop,      drop,   drop,       drop,   answer},
    {"lost one node",    lost_with(twice, 1),                 resend, elsewhere, budget, budget,     resend, answer},
    {"lost two nodes",   lost_with(twice, 2),                 resend, elsewhere, budget, answer,     answer, answer},
};
// clang-format on

}  // namespace

TEST_CASE("what becomes of a call whose attempt has ended is as the table says") {
    for (const auto& [what, facts, unsent, refused, not_run, unavailable, lost, answered] : table) {
        INFO(what);
        CHECK(decide(event::unsent, facts) == unsent);
        CHECK(decide(event::refused, facts) == refused);
        CHECK(decide(event::not_run, facts) == not_run);
        CHECK(decide(event::unavailable, facts) == unavailable);
        CHECK(decide(event::lost, facts) == lost);
        CHECK(decide(event::answered, facts) == answered);
    }
}

TEST_CASE("no call that may have run and must not run twice is sent again, whatever else holds") {
    for (unsigned bits = 0; bits < 64; ++bits) {
        attempt_facts facts{.kept = (bits & 1) != 0,
                            .keyed = (bits & 2) != 0,
                            .again = (bits & 4) != 0,
                            .first = (bits & 8) != 0,
                            .losses = bits >> 4};
        CHECK(decide(event::lost, facts) == answer);
        CHECK(decide(event::unavailable, facts) == answer);
        facts.idempotent = true;
        facts.losses = wire::losses_max + (bits >> 4);
        CHECK(decide(event::lost, facts) == answer);
        CHECK(decide(event::unavailable, facts) == answer);
    }
}

TEST_CASE("failures are told apart by whether the function ran") {
    const auto of = [](errc code, bool did_not_run) {
        wire::failure failure;
        failure.code = static_cast<std::int64_t>(code);
        failure.did_not_run = did_not_run;
        return event_of(failure);
    };
    CHECK(of(errc::overloaded, false) == event::refused);
    CHECK(of(errc::overloaded, true) == event::refused);
    for (const auto code : {errc::unavailable, errc::internal, errc::unknown})
        CHECK(of(code, true) == event::not_run);
    CHECK(of(errc::unavailable, false) == event::unavailable);
    CHECK(of(errc::internal, false) == event::answered);
    for (const auto code :
         {errc::not_found, errc::deadline_exceeded, errc::invalid_argument, errc::cancelled})
        CHECK(of(code, true) == event::answered);
    CHECK(may_have_run(event::lost));
    CHECK(may_have_run(event::unavailable));
    CHECK_FALSE(may_have_run(event::not_run));
    CHECK_FALSE(may_have_run(event::refused));
    CHECK_FALSE(may_have_run(event::unsent));
}
