// SPDX-License-Identifier: Apache-2.0
#include "runtime/explain_answer.hpp"

#include "actors/decision_log.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

using json = nlohmann::ordered_json;

constexpr std::int64_t second = 1'000'000'000;

result<explain_question> asked(const json& input) {
    const auto packed = json::to_msgpack(input);
    return read_explain_question(packed.data(), packed.size());
}

json answered(const actors::decision_log& log, const explain_question& question, bool served = true,
              explain_clocks now = {100 * second, 1'700'000'000'000'000}) {
    return json::from_msgpack(explain_answer(log, question, "n1", served, now));
}

actors::decision refused() {
    return {.kind = actors::decision_kind::refuse,
            .rule = "its queue was full",
            .of = "calls",
            .before = 0,
            .after = 4,
            .inputs = {{"wait_ms", 1.5}, {"queued", 2}}};
}

}  // namespace

TEST_CASE("a question about decisions may be nil, and leave out all that it may hold") {
    for (const json& input : {json(nullptr), json::object()}) {
        const auto question = asked(input);
        REQUIRE(question);
        CHECK(question->function.empty());
        CHECK_FALSE(question->after);
        CHECK(question->limit == explain_limit_usual);
        CHECK_FALSE(question->settled);
    }
    CHECK(read_explain_question(nullptr, 0));
    const auto whole =
        asked({{"function", "a/b"}, {"after", 7}, {"limit", 3}, {"settled", true}, {"new", 1}});
    REQUIRE(whole);
    CHECK(whole->function == "a/b");
    CHECK(whole->after == 7);
    CHECK(whole->limit == 3);
    CHECK(whole->settled);
    CHECK(asked({{"limit", 1'000'000}})->limit == explain_limit_max);
}

TEST_CASE("a question about decisions that is none is refused with what the function takes") {
    for (const json& input : {json(7), json::array(), json{{"function", 1}}, json{{"after", -1}},
                              json{{"limit", "ten"}}, json{{"limit", 1.5}}, json{{"settled", 1}}}) {
        const auto question = asked(input);
        REQUIRE_FALSE(question);
        CHECK(question.error().code == errc::invalid_argument);
        CHECK_THAT(question.error().detail,
                   Catch::StartsWith("dunlin/explain: ") && Catch::Contains("after and limit"));
    }
    const std::uint8_t cut[] = {0x81, 0xa5, 'l'};
    CHECK_FALSE(read_explain_question(cut, sizeof cut));
    // Deeper than any thread's stack.
    const std::vector<std::uint8_t> deep(1 << 20, 0x91);
    CHECK_FALSE(read_explain_question(deep.data(), deep.size()));
}

TEST_CASE("records are told with all they hold, and with the time of day") {
    actors::decision_log log("n1");
    log.add(log.series_of("text/count"), 98 * second, refused());
    log.add(log.series_of("text/count"), 98 * second + 500'000'000, refused());
    const auto answer = answered(log, {.function = "text/count"});
    CHECK(answer["node"] == "n1");
    CHECK(answer["known"] == true);
    CHECK(answer["oldest"] == 1);
    CHECK(answer["read_to"] == 1);
    CHECK(answer["kept_max"] == actors::limits::decisions_kept);
    REQUIRE(answer["records"].size() == 1);
    CHECK(answer["records"][0].dump() ==
          R"({"number":1,"time_us":1699999998000000,"last_us":1699999998500000,)"
          R"("function":"text/count","kind":"refuse","rule":"its queue was full",)"
          R"("inputs":{"wait_ms":1.5,"queued":2},"of":"calls","before":0,"after":4,)"
          R"("amount":8,"count":2})");
}

TEST_CASE("an answer about decisions is bounded, and says from where to go on") {
    actors::decision_log log("n1");
    for (std::int64_t i = 0; i < 3000; ++i) log.add(log.series_of("a/b"), i * second, refused());
    const explain_clocks late{4000 * second, 1'700'000'000'000'000};
    CHECK(answered(log, {.limit = explain_limit_max}, true, late)["records"].size() ==
          explain_limit_max);
    const auto first = answered(log, {.function = "a/b", .after = 10, .limit = 2}, true, late);
    REQUIRE(first["records"].size() == 2);
    CHECK(first["records"][0]["number"] == 11);
    CHECK(first["read_to"] == 12);
    const auto last = answered(log, {.function = "a/b", .limit = 2}, true, late);
    CHECK(last["records"][1]["number"] == 3000);
}

TEST_CASE("what may still grow is left out when only what is settled is wanted") {
    actors::decision_log log("n1");
    log.add(log.series_of("a/b"), 50 * second, refused());
    log.add(log.series_of("a/b"), 99 * second + 1, refused());
    const auto settled = answered(log, {.settled = true});
    CHECK(settled["records"].size() == 1);
    CHECK(settled["read_to"] == 1);
    const auto later =
        answered(log, {.after = 1, .settled = true}, true, {101 * second, 1'700'000'001'000'000});
    CHECK(later["records"].size() == 1);
}

TEST_CASE("a function is known that the node serves, or has decided about") {
    actors::decision_log log("n1");
    CHECK(answered(log, {.function = "a/b"}, true)["known"] == true);
    CHECK(answered(log, {.function = "a/b"}, false)["known"] == false);
    CHECK(answered(log, {}, false)["known"] == true);
    log.add(log.series_of("a/b"), 0, refused());
    CHECK(answered(log, {.function = "a/b"}, false)["known"] == true);
}
