// SPDX-License-Identifier: Apache-2.0
//
// Functions with state, in every form they can have, on a node that keeps objects for them.
#include "tests/support/catch.hpp"
#include "tests/support/module_harness.hpp"

#include <dunlin/function.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

struct page {
    std::string visitor;
    std::string url;
    DUNLIN_FIELDS(visitor, url)
};

struct visits {
    std::uint64_t count = 0;
    std::string last_page = "none";
    DUNLIN_FIELDS(count, last_page)
};

struct counter {
    std::uint64_t value = 0;
    DUNLIN_FIELDS(value)
};

// -- the forms -----------------------------------------------------------------------------------

std::uint64_t visit(const page& p, visits& seen) {
    seen.last_page = p.url;
    return ++seen.count;
}
visits show(const page&, const visits& seen) { return seen; }
std::uint64_t increment(counter& c) { return ++c.value; }
std::uint64_t increment_with(counter& c, context& ctx) { return c.value += ctx.key().size(); }
std::uint64_t peek(no_input, const counter& c) { return c.value; }
bool is_there(no_input, const std::optional<counter>& c) { return c.has_value(); }
bool erase(std::optional<counter>& c) {
    const bool was_there = c.has_value();
    c.reset();
    return was_there;
}
std::uint64_t add(std::uint64_t more, std::uint64_t& sum) { return sum += more; }
std::size_t note(page p, std::vector<page>& pages, context&) {
    pages.push_back(std::move(p));
    return pages.size();
}
// Input and state of one type are told apart by their places.
bool same(const visits& in, const visits& seen) { return in.count == seen.count; }
// A lone const reference is an input.
std::uint64_t count_of(const visits& in) { return in.count; }
std::string any(no_input) { return "any"; }

result<std::uint64_t> spend(std::uint64_t amount, counter& left) {
    left.value += 100;
    if (amount > left.value) return {errc::failed, "there is too little"};
    return left.value -= amount;
}
void change_and_throw(counter& c) {
    c.value = 77;
    throw std::runtime_error("no");
}

// -- coroutines ----------------------------------------------------------------------------------

task<std::uint64_t> visit_later(const page& p, visits& seen, context& ctx) {
    ++seen.count;
    (co_await ctx.sleep_for(1s)).value();
    seen.last_page = p.url;
    co_return seen.count;
}
task<result<std::uint64_t>> in_two_steps(std::optional<counter>& c, context& ctx) {
    c = counter{1};
    if (const auto stored = co_await ctx.commit(); !stored) co_return stored.error();
    c->value = 2;
    (co_await ctx.sleep_for(1s)).value();
    throw std::runtime_error("in the second step");
}
task<std::string> read_others(const page& p, context& ctx) {
    const auto [recent, exact] =
        co_await when_all(ctx.read<visits>("visitors", std::string(p.visitor), {.max_age = 5s}),
                          ctx.read<counter>(std::string("counters"), p.visitor));
    if (!recent) co_return to_string(recent.error());
    if (!exact) co_return to_string(exact.error());
    co_return (*recent ? (*recent)->last_page : "nothing") + " " +
        (*exact ? std::to_string((*exact)->value) : "nothing");
}

template <int Seconds>
void expire(counter& c, context& ctx) {
    c.value = 1;
    ctx.expire_after(std::chrono::seconds(Seconds));
}

void describe(module_builder& m) {
    m.function("visit", visit).keyed_by(&page::visitor).space("visitors");
    m.function("show", show).keyed_by(&page::visitor).space("visitors");
    m.function("increment", increment).space("counters");
    m.function("increment_with", increment_with).space("counters");
    m.function("peek", peek).space("counters");
    m.function("is_there", is_there).space("counters");
    m.function("erase", erase).space("counters");
    m.function("add", add);
    m.function("note", note);
    m.function("same", same).space("visitors");
    m.function("count_of", count_of);
    m.function("any", any);
    m.function("spend", spend).space("counters");
    m.function("change_and_throw", change_and_throw).space("counters");
    m.function("visit_later", visit_later).space("visitors");
    m.function("in_two_steps", in_two_steps).space("counters");
    m.function("read_others", read_others);
    m.function("expire", expire<3600>).space("counters");
    m.function("never_expire", expire<0>).space("counters");
    m.function("expire_late", expire<-5>).space("counters");
    m.function("lambda", [](int by, counter& c) {
         return c.value += static_cast<unsigned>(by);
     }).space("counters");
}

template <class In>
fake_call& call_key(module_harness& m, std::string_view name, const std::string& key,
                    const In& in) {
    fake_call& call = m.host.prepare(in);
    call.key = key;
    return m.host.start(m[name], call);
}

}  // namespace

TEST_CASE("a function finds its state under its key, and what it makes of it stays") {
    module_harness m(describe);
    CHECK(call_key(m, "visit", "anna", page{"anna", "/a"}).reply<int>().value() == 1);
    CHECK(call_key(m, "visit", "anna", page{"anna", "/b"}).reply<int>().value() == 2);
    CHECK(call_key(m, "visit", "bert", page{"bert", "/c"}).reply<int>().value() == 1);
    const auto seen = call_key(m, "show", "anna", page{"anna", ""}).reply<visits>().value();
    CHECK(seen.count == 2);
    CHECK(seen.last_page == "/b");
    CHECK(m.host.states.value<visits>("visitors", "bert")->last_page == "/c");
}

TEST_CASE("state comes first where there is no input, and whatever is sent is ignored") {
    module_harness m(describe);
    CHECK(call_key(m, "increment", "k", nullptr).reply<int>().value() == 1);
    CHECK(call_key(m, "increment", "k", "any text").reply<int>().value() == 2);
    CHECK(call_key(m, "increment_with", "k", nullptr).reply<int>().value() == 3);
    CHECK(call_key(m, "peek", "k", std::vector<int>{1}).reply<int>().value() == 3);
    CHECK(m.run("any", 5).reply<std::string>().value() == "any");
    CHECK(m["increment"].input_schema == nullptr);
    CHECK(m["peek"].input_schema == nullptr);
}

TEST_CASE("state may be of any type that owns its data, and of the input's own") {
    module_harness m(describe);
    CHECK(call_key(m, "add", "k", 5).reply<int>().value() == 5);
    CHECK(call_key(m, "add", "k", 6).reply<int>().value() == 11);
    CHECK(call_key(m, "note", "k", page{"a", "/"}).reply<int>().value() == 1);
    CHECK(call_key(m, "note", "k", page{"b", "/"}).reply<int>().value() == 2);
    CHECK(m.host.states.value<std::vector<page>>("test.note", "k")->at(1).visitor == "b");
    CHECK(call_key(m, "same", "anna", visits{0, ""}).reply<bool>().value());
    CHECK_FALSE(call_key(m, "same", "anna", visits{1, ""}).reply<bool>().value());
    CHECK(m.run("count_of", visits{4, ""}).reply<int>().value() == 4);
    CHECK(call_key(m, "lambda", "k", 4).reply<int>().value() == 4);
}

TEST_CASE("an absent state is a default for who takes no optional, and reading makes none") {
    module_harness m(describe);
    CHECK(call_key(m, "show", "nobody", page{}).reply<visits>()->last_page == "none");
    CHECK_FALSE(m.host.states.value<visits>("visitors", "nobody"));
    CHECK(call_key(m, "peek", "k", nullptr).reply<int>().value() == 0);
    CHECK_FALSE(call_key(m, "is_there", "k", nullptr).reply<bool>().value());
    CHECK(call_key(m, "increment", "k", nullptr).reply<int>().value() == 1);
    CHECK(call_key(m, "is_there", "k", nullptr).reply<bool>().value());
    CHECK(call_key(m, "erase", "k", nullptr).reply<bool>().value());
    CHECK_FALSE(call_key(m, "is_there", "k", nullptr).reply<bool>().value());
    CHECK_FALSE(call_key(m, "erase", "k", nullptr).reply<bool>().value());
}

TEST_CASE("a function that fails leaves its state as it was, also where there was none") {
    module_harness m(describe);
    CHECK(call_key(m, "spend", "k", 101).reply<int>().error().detail == "there is too little");
    CHECK_FALSE(m.host.states.value<counter>("counters", "k"));
    CHECK(call_key(m, "spend", "k", 30).reply<int>().value() == 70);
    CHECK(call_key(m, "spend", "k", 1000).reply<int>().error().code == errc::failed);
    CHECK(call_key(m, "change_and_throw", "k", nullptr).reply<int>().error().detail == "no");
    CHECK(m.host.states.value<counter>("counters", "k")->value == 70);
}

TEST_CASE("an input that does not fit leaves the state alone") {
    module_harness m(describe);
    CHECK(call_key(m, "visit", "anna", 5).reply<int>().error().code == errc::invalid_argument);
    CHECK_FALSE(m.host.states.value<visits>("visitors", "anna"));
}

TEST_CASE("a coroutine has its state until it has answered") {
    module_harness m(describe);
    fake_call& call = call_key(m, "visit_later", "anna", page{"anna", "/a"});
    CHECK_FALSE(call.answered);
    m.host.advance(1s);
    CHECK(call.reply<int>().value() == 1);
    CHECK(m.host.states.value<visits>("visitors", "anna")->last_page == "/a");
}

TEST_CASE("what was committed stays, though the function fails later") {
    module_harness m(describe);
    fake_call& call = call_key(m, "in_two_steps", "k", nullptr);
    REQUIRE(m.host.operations.size() == 1);
    CHECK(m.host.operations[0].is_commit);
    m.host.complete_raw(0, 0, {});
    m.host.advance(1s);
    CHECK(call.reply<int>().error().detail == "in the second step");
    CHECK(m.host.states.value<counter>("counters", "k")->value == 1);
}

TEST_CASE("a commit that is refused tells why") {
    module_harness m(describe);
    fake_call& call = call_key(m, "in_two_steps", "k", nullptr);
    m.host.complete_error(0, errc::unavailable, "the store is away");
    CHECK(call.reply<int>().error().detail == "the store is away");
    CHECK_FALSE(m.host.states.value<counter>("counters", "k"));
}

TEST_CASE("values under other keys are read by space and key, with a bound on their age") {
    module_harness m(describe);
    fake_call& call = m.run("read_others", page{"anna", ""});
    REQUIRE(m.host.operations.size() == 2);
    CHECK(m.host.operations[0].space == "visitors");
    CHECK(m.host.operations[0].key == "anna");
    CHECK(m.host.operations[0].duration == 5s);
    CHECK(m.host.operations[1].space == "counters");
    CHECK(m.host.operations[1].duration == 0s);
    m.host.complete(0, visits{1, "/home"});
    m.host.complete_raw(0, 0, {});
    CHECK(call.reply<std::string>().value() == "/home nothing");
}

TEST_CASE("a value of another type is told with space, key, field and both types") {
    module_harness m(describe);
    fake_call& call = m.run("read_others", page{"an na", ""});
    m.host.complete(0, std::map<std::string, std::string>{{"count", "many"}});
    m.host.complete_raw(0, 0, {});
    CHECK(call.reply<std::string>().value() ==
          "failed: the state in space visitors under key \"an na\" does not fit the type that was "
          "asked for: visits.count: expected integer, got string \"many\"");
    fake_call& refused = m.run("read_others", page{"anna", ""});
    m.host.complete_error(0, errc::unavailable, "the owner is away");
    m.host.complete_raw(0, 0, {});
    CHECK(refused.reply<std::string>().value() == "unavailable: the owner is away");
}

TEST_CASE("a function says when its value ends") {
    module_harness m(describe);
    CHECK((call_key(m, "expire", "k", nullptr).expires == 1h));
    CHECK((call_key(m, "never_expire", "k", nullptr).expires == 0ns));
    // What is over already is not what never ends.
    CHECK((call_key(m, "expire_late", "k", nullptr).expires == 1ns));
    CHECK_FALSE(call_key(m, "increment", "k", nullptr).expires);
}

TEST_CASE("on a node that is older than state its functions say so, and others run") {
    module_harness m(describe);
    m.host.forget_state();
    const error older{errc::unavailable,
                      "this node is older than the state of functions and keeps none; run the "
                      "function on nodes of a newer Dunlin"};
    CHECK(call_key(m, "increment", "k", nullptr).reply<int>().error() == older);
    CHECK(call_key(m, "in_two_steps", "k", nullptr).reply<int>().error() == older);
    CHECK(m.run("count_of", visits{4, ""}).reply<int>().value() == 4);
    CHECK(m.run("read_others", page{}).reply<std::string>().value() == to_string(older));
}

TEST_CASE("commit and expire_after say it, too, where a function without state uses them") {
    module_harness m([](module_builder& b) {
        b.function("commit",
                   [](context& ctx) -> task<result<void>> { co_return co_await ctx.commit(); });
        b.function("expire", [](context& ctx) { ctx.expire_after(1s); });
    });
    m.host.forget_state();
    for (const char* name : {"commit", "expire"})
        CHECK_THAT(m.run(name, nullptr).reply<std::monostate>().error().detail,
                   Catch::Contains("this node is older than the state of functions"));
}

TEST_CASE("a node that gives no state has the function fail") {
    module_harness m(describe);
    dunlin_function without = m["increment"];
    without.state = nullptr;
    fake_call& call = m.host.start(without, m.host.prepare(nullptr));
    CHECK(call.reply<int>().error() ==
          error{errc::internal, "the node gave the function no state"});
}
