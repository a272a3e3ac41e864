// SPDX-License-Identifier: Apache-2.0
//
// Turns, values and the output gate, moved by hand.
#include "tests/unit/actors/state/one_space.hpp"

#include <memory>
#include <random>

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

TEST_CASE("a value is read once for all who wait for it, and its calls run in order of arrival") {
    one_space t;
    t.state.put("texts", "k", "a");
    const auto first = t.append_to("k", "b");
    const auto second = t.append_to("k", "c");
    t.h.run();
    CHECK(t.h.outcome(first) == "open");
    CHECK(t.state.read() == 1);
    t.h.run();
    CHECK(t.state.write() == 1);
    CHECK(t.h.outcome(first) == "ok: ab");
    CHECK(t.h.outcome(second) == "ok: abc");
    CHECK(t.state.stored("texts", "k") == "abc");
}

TEST_CASE("a reply leaves when the store has what it depends on, and not before") {
    one_space t;
    t.warm("k");
    const auto writes = t.append_to("k", "a");
    t.h.run();
    const auto reads = t.show("k");
    t.h.run();
    CHECK(t.h.outcome(writes) == "open");
    CHECK(t.h.outcome(reads) == "open");
    CHECK(t.state.write_begins() == 1);
    const auto later = t.append_to("k", "b");
    const auto reads_later = t.show("k");
    t.h.run();
    CHECK(t.h.outcome(writes) == "open");
    t.state.write_ends();
    CHECK(t.h.outcome(writes) == "ok: a");
    CHECK(t.h.outcome(reads) == "ok: a");
    CHECK(t.h.outcome(later) == "open");
    CHECK(t.h.outcome(reads_later) == "open");
    CHECK(t.state.write() == 1);
    CHECK(t.h.outcome(later) == "ok: ab");
    CHECK(t.h.outcome(reads_later) == "ok: ab");
}

TEST_CASE(
    "several turns of a key are one write, for which a value that is cheap to copy is encoded "
    "once") {
    constexpr std::size_t turns = 5;
    for (const bool cheap : {true, false}) {
        actor_harness h;
        auto info = keyed_function(h, "test/append", [](call_view c) {
            state_of(c) += c.payload;
            return c.reply(state_of(c));
        });
        info.state = &text_state(cheap);
        manual_state state({&info});
        h.state = &state;
        auto& pool = h.make_pool(info);
        const auto first = call_with_key(h, pool, "k", "x");
        state.read();
        h.run();
        state.write();
        REQUIRE(h.outcome(first) == "ok: x");
        static_cast<void>(take_state_work());
        std::vector<std::uint32_t> tickets;
        for (std::size_t i = 0; i < turns; ++i) tickets.push_back(call_with_key(h, pool, "k", "x"));
        h.run();
        CHECK(state.write() == 1);
        for (const auto each : tickets) CHECK(h.outcome(each).starts_with("ok: xx"));
        CHECK(state.stored("texts", "k") == "xxxxxx");
        const auto work = take_state_work();
        CHECK(work.decoded == 0);
        // What each turn would be undone to is kept as a copy, or in its encoded form.
        CHECK(work.encoded == (cheap ? 1 : turns));
    }
}

TEST_CASE("a function that fails leaves its state as it was") {
    one_space t;
    auto info = keyed_function(t.h, "test/spoil", [](call_view c) {
        state_of(c) += "spoilt";
        return c.fail(errc::failed, "no");
    });
    auto& spoils = t.make(info);
    t.state.put("texts", "k", "a");
    t.warm("k");
    const auto good = t.append_to("k", "b");
    const auto bad = call_with_key(t.h, spoils, "k", "");
    const auto again = t.append_to("k", "c");
    t.h.run();
    t.state.write();
    CHECK(t.h.outcome(good) == "ok: ab");
    CHECK(t.h.outcome(bad) == "failed: no");
    CHECK(t.h.outcome(again) == "ok: abc");
    CHECK(t.state.stored("texts", "k") == "abc");
}

TEST_CASE("a function that fails undoes nothing of those that ran before it in one go") {
    for (const bool cheap : {false, true}) {
        actor_harness h;
        auto info = keyed_function(h, "test/append", [](call_view c) {
            auto& value = state_of(c);
            value += c.payload;
            return c.payload == "bad" ? c.fail(errc::failed, "no") : c.reply(value);
        });
        info.state = &text_state(cheap);
        manual_state state({&info});
        h.state = &state;
        auto& pool = h.make_pool(info);
        // They wait for the value together, and get the key together.
        std::vector<std::uint32_t> tickets;
        for (const auto* text : {"a", "bad", "b", "c", "bad", "d"})
            tickets.push_back(call_with_key(h, pool, "k", text));
        state.read();
        h.run();
        state.write();
        CHECK(h.outcome(tickets[0]) == "ok: a");
        CHECK(h.outcome(tickets[1]) == "failed: no");
        CHECK(h.outcome(tickets[2]) == "ok: ab");
        CHECK(h.outcome(tickets[3]) == "ok: abc");
        CHECK(h.outcome(tickets[4]) == "failed: no");
        CHECK(h.outcome(tickets[5]) == "ok: abcd");
        CHECK(state.stored("texts", "k") == "abcd");
    }
}

TEST_CASE("what the store refuses is nobody's: its calls fail, and the value is read again") {
    using told = std::pair<write_outcome, const char*>;
    for (const auto& [outcome, why] :
         {told{write_outcome::conflict, "unavailable: the store did not take"},
          told{write_outcome::unknown, "unavailable: the store has failed while"}}) {
        one_space t;
        t.warm("k");
        const auto first = t.append_to("k", "a");
        t.h.run();
        REQUIRE(t.state.write_begins() == 1);
        const auto second = t.append_to("k", "b");  // on what is about to be refused
        t.h.run();
        t.state.put("texts", "k", "other");
        t.state.write_ends(outcome);
        CHECK_THAT(t.h.outcome(first), Catch::StartsWith(why));
        CHECK_THAT(t.h.outcome(second), Catch::StartsWith(why));
        const auto third = t.append_to("k", "c");
        CHECK(t.state.read() == 1);
        t.h.run();
        t.state.write();
        CHECK(t.h.outcome(third) == "ok: otherc");
    }
}

TEST_CASE("calls wait while their value cannot be read, and are told why") {
    one_space t;
    const auto first = t.append_to("k", "a");
    const auto second = t.show("k");
    t.state.fail_reads("the disk is gone");
    t.h.run();
    const std::string why =
        "unavailable: the state in space texts cannot be read: the disk is gone";
    CHECK(t.h.outcome(first) == why);
    CHECK(t.h.outcome(second) == why);
    const auto third = t.append_to("k", "a");
    CHECK(t.state.read() == 1);
    t.h.run();
    t.state.write();
    CHECK(t.h.outcome(third) == "ok: a");
}

TEST_CASE("state that does not fit its type is told, and its bytes stay") {
    one_space t;
    t.state.put("texts", "k", "odd");
    const auto ticket = t.append_to("k", "a");
    t.state.read();
    t.h.run();
    CHECK(
        t.h.outcome(ticket) ==
        "failed: the state under key \"k\" of space texts does not fit what test/append wants: it "
        "is odd");
    CHECK(t.state.write() == 0);
    CHECK(t.state.stored("texts", "k") == "odd");
}

TEST_CASE("state that cannot be encoded fails its calls, and the value is what it was") {
    one_space t;
    t.state.put("texts", "k", "too ");
    t.warm("k");
    const auto bad = t.append_to("k", "large");
    t.h.run();
    CHECK(t.state.write() == 0);
    CHECK(
        t.h.outcome(bad) ==
        "unavailable: what a call has changed in space texts cannot be stored, and the state is as "
        "it was before: the state cannot be encoded: it is too large, or there is no memory for "
        "it");
    const auto good = t.append_to("k", "small");
    t.state.read();
    t.h.run();
    t.state.write();
    CHECK(t.h.outcome(good) == "ok: too small");
}

TEST_CASE("a value over its limit is not stored, and what was there stays") {
    one_space t;
    t.warm("k");
    const std::string large((std::size_t{16} << 20) + 1, 'x');
    const auto first = t.append_to("k", "small");
    t.h.run();
    t.state.write();
    CHECK(t.h.outcome(first) == "ok: small");
    t.h.payload_bytes_max = large.size() * 2;
    auto grows = keyed_function(t.h, "test/grow", [&](call_view c) {
        state_of(c) = large;
        return c.reply("");
    });
    auto& pool = t.make(grows);
    const auto bad = call_with_key(t.h, pool, "k", "");
    t.h.run();
    t.state.write();
    CHECK(
        t.h.outcome(bad) ==
        "unavailable: what a call has changed in space texts cannot be stored, and the state is as "
        "it was before: the state is 16777217 bytes, and the most is 16777216; spread it over more "
        "keys");
    CHECK(t.state.stored("texts", "k") == "small");
    const auto after = t.append_to("k", "er");
    t.state.read();
    t.h.run();
    t.state.write();
    CHECK(t.h.outcome(after) == "ok: smaller");
}

TEST_CASE("a call of a keyed function without a key is refused") {
    one_space t;
    const auto ticket = t.h.call_and_run(t.appends, "a");
    CHECK(t.h.outcome(ticket).starts_with(
        "invalid_argument: test/append works with state under a key, and the call has none"));
    CHECK(t.appends.wait(t.h.time.now_ns()).in_flight == 0);
}

TEST_CASE("idle keys leave memory when the cache is full, and come back from the store") {
    one_space t({.cache_bytes_max = 64 * 1024});
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 2000; ++i) {
            const auto ticket = t.append_to("key" + std::to_string(i), "x");
            t.state.read();
            t.h.run();
            t.state.write();
            REQUIRE(t.h.outcome(ticket) == (round == 0 ? "ok: x" : "ok: xx"));
        }
        const auto seen = t.state.spaces().at("texts")->look();
        CHECK(seen.bytes <= 64 * 1024);
        CHECK(seen.keys < 500);
        CHECK(seen.counted.evicted > 1500);
    }
}

TEST_CASE("nothing of the state of a space is left when it ends") {
    {
        one_space t;
        for (int i = 0; i < 100; ++i) t.append_to("key" + std::to_string(i), "x");
        t.state.read();
        t.h.run();
        t.state.write_begins();
    }
    CHECK(text_states_alive() == 0);
}

TEST_CASE("calls of random functions on random keys have one reply each and add up") {
    const auto seed = GENERATE(1U, 2U, 3U, 4U, 5U);
    std::mt19937 random(seed);
    one_space t({.cache_bytes_max = 32 * 1024});
    struct call {
        std::uint32_t ticket;
        int key;
        bool writes;
        std::size_t before;  // writes of that key that came before it
    };
    std::vector<call> calls;
    std::vector<std::size_t> written(40, 0);
    for (int step = 0; step < 4000; ++step) {
        switch (random() % 6) {
            case 0:
            case 1:
            case 2: {
                const auto key = static_cast<int>(random() % written.size());
                const bool writes = random() % 3 != 0;
                const auto name = "key" + std::to_string(key);
                const auto ticket = writes ? t.append_to(name, "x") : t.show(name);
                calls.push_back({ticket, key, writes, written[static_cast<std::size_t>(key)]});
                if (writes) ++written[static_cast<std::size_t>(key)];
                break;
            }
            case 3: t.state.read(); break;
            case 4: t.h.run(); break;
            default:
                if (t.state.write_begins() != 0) {
                    if (random() % 2 == 0) t.h.run();
                    t.state.write_ends();
                }
        }
        if (step % 8 == 0) {  // the queue of the pool is short
            t.state.read();
            t.h.run();
            t.state.write();
        }
    }
    for (int i = 0; i < 3; ++i) {
        t.state.read();
        t.h.run();
        t.state.write();
    }
    for (const auto& each : calls) {
        const auto expected = std::string(each.before + (each.writes ? 1 : 0), 'x');
        REQUIRE(t.h.outcome(each.ticket) == "ok: " + expected);
    }
    for (std::size_t key = 0; key < written.size(); ++key)
        if (written[key] != 0)
            CHECK(t.state.stored("texts", "key" + std::to_string(key)) ==
                  std::string(written[key], 'x'));
}

TEST_CASE("what a space does is counted: hits, misses, calls that wait, batches, the gate") {
    one_space t;
    t.warm("k");
    const auto* space = t.state.space("texts");
    const auto before = space->look();
    CHECK(before.counted.missed == 1);
    CHECK(before.counted.reads == 1);
    const auto first = t.append_to("k", "a");
    const auto second = t.append_to("k", "b");
    CHECK(space->look().waiting == 1);
    t.append_to("l", "c");
    CHECK(space->look().waiting == 2);
    t.h.run();
    CHECK(space->look().waiting == 1);  // for the value of its key
    t.state.write();
    t.state.read();
    t.h.run();
    t.state.write();
    CHECK(t.h.outcome(first) == "ok: a");
    CHECK(t.h.outcome(second) == "ok: ab");
    const auto after = space->look();
    CHECK(after.waiting == 0);
    CHECK(after.counted.found - before.counted.found == 2);
    CHECK(after.counted.missed - before.counted.missed == 1);
    CHECK(after.counted.commits == 2);
    // Replies of a key that left together count once.
    std::uint64_t waits = 0;
    for (std::size_t i = 0; i < latency_counts::buckets; ++i) waits += space->gate_waits().count(i);
    CHECK(waits == 2);
    CHECK(after.gate_ns_max > 0);
}
