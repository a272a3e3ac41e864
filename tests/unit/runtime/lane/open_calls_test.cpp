// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/open_calls.hpp"

#include "actors/activation.hpp"
#include "tests/unit/runtime/lane/lane_parts.hpp"

#include <atomic>

using namespace dunlin;
using namespace dunlin::runtime;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<open_calls>);

namespace {

/// Calls of one peer that have been taken, and nobody runs.
struct owed : lane_parts {
    peer& shop = connect("shop");

    /// `within`: its deadline.
    ledger_entry& take(std::uint64_t id, std::chrono::nanoseconds within = 0ns) {
        const auto deadline_ns =
            within == 0ns ? actors::no_deadline : clock.now_ns() + within.count();
        const auto work = harness.bundle_of({"x"}, nullptr, deadline_ns);
        calls.keep(work);
        auto& entry = calls.open(shop, id);
        entry.work = work.get();
        (*work)[0].origin = &calls;
        (*work)[0].address = entry.address();
        return entry;
    }
    /// ... and outlived their turn.
    ledger_entry& keep(std::uint64_t id, std::chrono::nanoseconds within = 0ns) {
        auto& entry = take(id, within);
        calls.end_turn();
        return entry;
    }
    /// One of this node's functions asks; its answers come to `harness`.
    ledger_entry& inner(actors::bundle_ptr& work, std::uint32_t& ticket) {
        work = harness.bundle_of({"x"}, &ticket);
        calls.keep(work);
        auto& entry = calls.open(calls.inside(), 1);
        entry.work = work.get();
        (*work)[0].carried = entry.address();
        (*work)[0].carrier.store(&calls);
        calls.end_turn();
        return entry;
    }
    void value(actors::answer_address to, std::string_view text) {
        actors::output_buffer payload;
        payload.append(text.data(), text.size());
        calls.answer_value(to, payload);
    }
    [[nodiscard]] bool settled_up() {
        return calls.ledger().open_count() == 0 && shop.in_flight == 0 && shop.settled.size() == 0;
    }
};

}  // namespace

TEST_CASE("a call has one answer, whichever comes first, and a second one is counted") {
    owed at;
    const auto call = at.take(1).address();
    CHECK(at.shop.in_flight == 1);
    at.value(call, "one");
    at.value(call, "two");
    at.calls.answer_error(call, {errc::failed, "three"});
    CHECK(at.told("shop") == lines{"reply 1 one"});
    CHECK(at.counters.answers_late.get() == 2);
    CHECK(at.settled_up());
    // A place that is used again is another call's.
    const auto next = at.take(2).address();
    CHECK(next.slot == call.slot);
    at.value(call, "late");
    CHECK(at.told("shop").empty());
    at.value(next, "two");
    CHECK(at.told("shop") == lines{"reply 2 two"});
}

TEST_CASE("a peer is told before its reply that the call paid for a start") {
    owed at;
    auto& cold = at.take(1);
    cold.invocation().cold = true;
    at.value(cold.address(), "one");
    at.value(at.take(2).address(), "two");
    CHECK(at.told("shop") == lines{"cold 1", "reply 1 one", "reply 2 two"});
    // A large reply leaves in a frame of its own, behind it.
    auto& large = at.take(3);
    large.invocation().cold = true;
    const std::string text(20'000, 'x');
    at.value(large.address(), text);
    CHECK(at.told("shop") == lines{"cold 3", "reply 3 " + text});
    // An error says what it says.
    auto& failed = at.take(4);
    failed.invocation().cold = true;
    at.calls.answer_error(failed.address(), {errc::failed, "no paper"});
    CHECK(at.told("shop") == lines{"failure 4 no paper"});
}

TEST_CASE("what is said of a call that runs elsewhere, on a node or for a repeat, goes on") {
    owed at;
    auto& there = at.keep(1);
    there.cold_elsewhere = true;
    at.calls.forwarded_value(there, as_bytes("one"), nullptr);
    CHECK(at.told("shop") == lines{"cold 1", "reply 1 one"});
    const auto waits = at.keep(2).address();
    at.from_elsewhere([&] {
        at.calls.started_cold(waits);
        at.value(waits, "two");
    });
    auto waiting = at.commanded();
    REQUIRE(waiting.size() == 2);
    REQUIRE(std::holds_alternative<cold_remark>(waiting[0]));
    at.calls.started_cold(std::get<cold_remark>(waiting[0]).of);
    at.calls.answer_value(waits, std::get<value_answer>(waiting[1]).payload);
    at.calls.started_cold(waits);  // late
    CHECK(at.told("shop") == lines{"cold 2", "reply 2 two"});
    at.value(at.take(3).address(), "three");  // in the same place
    CHECK(at.told("shop") == lines{"reply 3 three"});
}

TEST_CASE("an answer of another thread waits in the inbox, and is late once the lane has ended") {
    owed at;
    const auto call = at.keep(1).address();
    at.from_elsewhere([&] {
        at.value(call, "one");
        at.calls.answer_error(call, {errc::failed, "two"});
        at.calls.withdraw(call, errc::cancelled);
    });
    CHECK(at.told("shop").empty());
    CHECK_FALSE(at.settled_up());
    auto waiting = at.commanded();
    REQUIRE(waiting.size() == 3);
    REQUIRE(std::holds_alternative<value_answer>(waiting[0]));
    CHECK(std::get<value_answer>(waiting[0]).to == call);
    CHECK(std::holds_alternative<error_answer>(waiting[1]));
    CHECK(std::holds_alternative<carried_stop>(waiting[2]));
    at.commands.close();
    at.from_elsewhere([&] { at.value(call, "three"); });
    CHECK(at.counters.answers_after_end.get() == 1);
    at.calls.answer_value(call, std::get<value_answer>(waiting[0]).payload);
    CHECK(at.told("shop") == lines{"reply 1 one"});
}

TEST_CASE("a peer's last open call is answered at once, the others at the end of the turn") {
    owed at;
    const auto first = at.keep(1).address();
    const auto second = at.keep(2).address();
    at.value(first, "one");
    CHECK(at.counters.frames_sent.get() == 1);  // the welcome
    at.value(second, "two");
    CHECK(at.counters.frames_sent.get() == 2);
    CHECK(at.told("shop") == lines{"reply 1 one", "reply 2 two"});
}

TEST_CASE("only a call that outlives its turn can be found by its id, and one id is one call") {
    owed at;
    static_cast<void>(at.take(1));
    CHECK(at.shop.settled.size() == 0);
    at.calls.end_turn();
    CHECK(at.shop.settled.size() == 1);
    auto& twice = at.take(1);
    const auto work = actors::bundle_ptr((twice.work->retain(), twice.work));
    at.calls.settle();
    CHECK(at.shop.in_flight == 1);
    CHECK((*work)[0].stop.requested());
    CHECK(at.told("shop") ==
          lines{"failure 1 call id 1 belongs to a call that is not answered yet"});
    CHECK(at.shop.settled.find(1) != nullptr);
}

TEST_CASE("a deadline ends a call when its time has come, not before, and stops what runs") {
    owed at;
    auto& entry = at.keep(1, 50ms);
    const auto work = entry.keep;
    CHECK(at.calls.due_ns() <= at.clock.now_ns() + 50'000'000);
    at.advance(49ms);
    CHECK_FALSE((*work)[0].stop.requested());
    at.advance(3ms);
    CHECK((*work)[0].stop.requested());
    CHECK((*work)[0].stop.reason() == errc::deadline_exceeded);
    CHECK(at.told("shop") == lines{"failure 1 no answer from the function before the deadline"});
    CHECK(at.settled_up());
    // One that was answered in time has no deadline any more.
    at.value(at.keep(2, 50ms).address(), "two");
    at.advance(1s);
    CHECK(at.told("shop") == lines{"reply 2 two"});
    CHECK(at.counters.answers_late.get() == 0);
}

TEST_CASE("a cancel says whether the call had begun, and of one that is answered says nothing") {
    owed at;
    static_cast<void>(at.keep(1));
    at.calls.cancel(at.shop, 1);
    CHECK(at.told("shop") == lines{"failure 1 the caller withdrew the call before it began"});
    // Of the same turn, and begun.
    int resumed = 0;
    auto& pool = at.serve(
        "a/waits",
        [&](testing::call_view call) {
            ++resumed;
            call.sleep(1h, [](std::int32_t, std::string) {});
            return std::int32_t{DUNLIN_PENDING};
        },
        {}, DUNLIN_ASYNC);
    auto& entry = at.take(2);
    entry.pool = &pool;
    pool.submit(actors::bundle_ptr((entry.work->retain(), entry.work)),
                [](actors::bundle&, std::uint32_t, const actors::admission_decision&) {
                    FAIL("it has room");
                });
    at.run();
    CHECK(resumed == 1);
    at.calls.cancel(at.shop, 2);
    CHECK(at.told("shop") == lines{"failure 2 the caller withdrew the call"});
    at.calls.cancel(at.shop, 2);
    at.calls.cancel(at.shop, 3);
    CHECK(at.told("shop").empty());
    CHECK(at.settled_up());
}

TEST_CASE("a caller that has gone leaves no calls behind, and what ran for it is stopped") {
    owed at;
    const auto settled = at.keep(1, 1s).keep;
    auto& fresh = at.take(2);
    const auto work = actors::bundle_ptr((fresh.work->retain(), fresh.work));
    at.calls.abandon(at.shop);
    CHECK(at.settled_up());
    CHECK((*settled)[0].stop.requested());
    CHECK((*work)[0].stop.requested());
    at.advance(2s);
    CHECK(at.told("shop").empty());
}

TEST_CASE("a caller that may have no answers is told why, for each of its calls") {
    owed at;
    const auto first = at.keep(1).keep;
    static_cast<void>(at.take(2));
    at.calls.refuse_all_of(at.shop, errc::unavailable, "the key is not allowed");
    CHECK(at.settled_up());
    CHECK((*first)[0].stop.requested());
    auto told = at.told("shop");
    std::sort(told.begin(), told.end());
    CHECK(told == lines{"failure 1 the key is not allowed; the function may have run",
                        "failure 2 the key is not allowed; the function may have run"});
}

TEST_CASE("what another node answers goes to the peer or to the function that asked") {
    owed at;
    at.calls.forwarded_value(at.keep(1), as_bytes("far"), nullptr);
    auto& again = at.keep(2);
    again.may_have_run = true;
    at.calls.forwarded_error(again, {errc::overloaded, "full"});
    const auto told = at.told("shop");
    REQUIRE(told.size() == 2);
    CHECK(told[0] == "reply 1 far");
    CHECK_THAT(told[1], Catch::StartsWith("failure 2 full"));
    CHECK(told[1].size() > std::string("failure 2 full").size());  // it may have run before
    actors::bundle_ptr work;
    std::uint32_t ticket = 0;
    at.calls.forwarded_value(at.inner(work, ticket), as_bytes("inside"), nullptr);
    CHECK(at.harness.outcome(ticket) == "ok: inside");
    CHECK(at.calls.inside().in_flight == 0);
    at.calls.forwarded_error(at.inner(work, ticket), {errc::not_found, "nobody has it"});
    CHECK(at.harness.outcome(ticket) == "not_found: nobody has it");
}

TEST_CASE("a function that stops waiting ends its call on its way, here and from any thread") {
    owed at;
    actors::bundle_ptr work;
    std::uint32_t ticket = 0;
    const auto carried = at.inner(work, ticket).address();
    at.from_elsewhere([&] { at.calls.withdraw(carried, errc::cancelled); });
    CHECK(at.harness.outcome(ticket) == "open");
    auto waiting = at.commanded();
    REQUIRE(waiting.size() == 1);
    at.calls.withdraw(std::get<carried_stop>(waiting[0]).carried, errc::cancelled);
    CHECK(at.harness.outcome(ticket) == "cancelled: its caller stopped waiting");
    at.calls.withdraw(carried, errc::cancelled);
    CHECK(at.harness.answers.count(ticket) == 1);
}

TEST_CASE("the end of all says of each call whether it began, and leaves none open") {
    owed at;
    static_cast<void>(at.keep(1, 1s));
    auto& pool = at.serve(
        "a/waits",
        [](testing::call_view call) {
            call.sleep(1h, [](std::int32_t, std::string) {});
            return std::int32_t{DUNLIN_PENDING};
        },
        {}, DUNLIN_ASYNC);
    auto& begun = at.take(2);
    begun.pool = &pool;
    pool.submit(actors::bundle_ptr((begun.work->retain(), begun.work)),
                [](actors::bundle&, std::uint32_t, const actors::admission_decision&) {
                    FAIL("it has room");
                });
    at.run();
    at.calls.cut_short_all();
    CHECK(at.settled_up());
    CHECK(at.counters.calls_cut_short.get() == 2);
    CHECK(at.told("shop") ==
          lines{"failure 1 node n1 stopped before the function started; the call did not run",
                "failure 2 node n1 stopped before a/waits answered; the function may have run"});
    at.advance(2s);
    CHECK(at.told("shop").empty());
}

TEST_CASE("a call that was meant for another node runs here, in a bundle of its own") {
    owed at;
    int runs = 0;
    auto& pool = at.serve("a/echo", [&](testing::call_view call) {
        ++runs;
        return call.reply(call.payload);
    });
    function_route route("a/echo", &pool, "own", 1);
    auto& entry = at.keep(1);
    auto* before = entry.work;
    entry.route = &route;
    CHECK(at.calls.run_here(entry));
    CHECK(entry.work != before);
    CHECK_FALSE(outbound_calls::can_carry(entry));
    at.run();
    CHECK(at.told("shop") == lines{"reply 1 x"});
    // One of a function goes the way it would have gone alone: the pool answers who asked.
    actors::bundle_ptr work;
    std::uint32_t ticket = 0;
    auto& inner = at.inner(work, ticket);
    inner.route = &route;
    CHECK(at.calls.run_here(inner));
    CHECK(at.calls.ledger().open_count() == 0);
    at.run();
    CHECK(at.harness.outcome(ticket) == "ok: x");
    CHECK(runs == 2);
}

TEST_CASE("a timer of a function fires on the lane, wherever it was armed, and not if disarmed") {
    lines woken;  // by what still waits at the end, too
    owed at;
    auto& pool = at.serve(
        "a/sleeps",
        [&](testing::call_view call) {
            call.sleep(10ms, [&](std::int32_t code, std::string) {
                woken.push_back(code == 0 ? "slept" : std::string(to_string(errc(code))));
            });
            return std::int32_t{DUNLIN_PENDING};
        },
        {}, DUNLIN_ASYNC);
    const auto start = [&] {
        static_cast<void>(at.harness.call(pool, "x"));
        at.run();
    };
    SECTION("on the lane") {
        start();
        at.advance(9ms);
        at.run();
        CHECK(woken.empty());
        at.advance(3ms);
        at.run();
        CHECK(woken == lines{"slept"});
    }
    SECTION("on another thread, by way of the inbox") {
        at.from_elsewhere([&] {
            static_cast<void>(at.harness.call(pool, "x"));
            at.harness.run();
        });
        auto waiting = at.commanded();
        REQUIRE(waiting.size() == 1);
        at.calls.change(std::get<timer_change>(waiting[0]));
        at.advance(12ms);
        at.run();
        CHECK(woken == lines{"slept"});
    }
    SECTION("disarmed before the lane heard of it") {
        at.from_elsewhere([&] {
            static_cast<void>(at.harness.call(pool, "x"));
            at.harness.run();
        });
        auto waiting = at.commanded();
        REQUIRE(waiting.size() == 1);
        const auto timer = std::get<timer_change>(waiting[0]).timer;
        at.calls.disarm_timer(timer);
        at.calls.change(std::get<timer_change>(waiting[0]));
        at.advance(12ms);
        at.run();
        CHECK(woken.empty());
        CHECK(timer->self == nullptr);
    }
    SECTION("at the end of the lane, as one that did not come") {
        start();
        at.calls.end_timers();
        at.run();
        CHECK(woken == lines{"unavailable"});
    }
    SECTION("after the end") {
        at.commands.close();
        at.from_elsewhere([&] {
            static_cast<void>(at.harness.call(pool, "x"));
            at.harness.run();
        });
        CHECK(woken == lines{"unavailable"});
    }
}
