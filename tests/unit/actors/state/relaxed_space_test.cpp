// SPDX-License-Identifier: Apache-2.0
//
// Relaxed spaces: replies that do not wait for the store, and the thread that writes a while later,
// with stores that fail.
#include "actors/hot_state.hpp"
#include "actors/state/memory_store.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_store.hpp"
#include "tests/support/put_text.hpp"
#include "tests/support/state_harness.hpp"

#include <memory>
#include <string>
#include <thread>

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;

namespace {

constexpr std::int64_t hour_ns = 3'600'000'000'000;

std::int32_t append(call_view c) {
    auto& value = state_of(c);
    value += c.payload;
    return c.reply(value);
}

function_info relaxed_function(actor_harness& h) {
    auto info = keyed_function(h, "test/append", append);
    info.state_mode = DUNLIN_STATE_RELAXED;
    return info;
}

std::int64_t noon() noexcept { return 43'200'000; }

/// The threads to a store that a test has fail.
struct relaxed_space {
    actor_harness h;
    function_info info = relaxed_function(h);
    std::shared_ptr<memory_store> kept = std::make_shared<memory_store>();
    tests::faulty_store store{kept};
    std::unique_ptr<hot_state> state;
    state_space* space;

    explicit relaxed_space(std::int64_t delay_ns_max) {
        hot_state::options how;
        how.relaxed.delay_ns_max = delay_ns_max;
        state = std::make_unique<hot_state>(
            how, &store, [](const error&) {}, &noon);
        REQUIRE(state->open({&info}));
        state->start();
        space = state->space("texts");
    }
    void put(const std::string& key, const std::string& value) const {
        space->operate(key, std::make_shared<put_text>(value, 1));
    }
    [[nodiscard]] stored_state stored(const std::string& key) const {
        state_read wanted[] = {{space->how().number, as_bytes(key), {}}};
        REQUIRE(kept->read(wanted));
        return std::move(wanted[0].found);
    }
    void wait_until_stored(const std::string& key, const std::string& value) const {
        while (as_text(stored(key).value) != value) std::this_thread::yield();
    }
};

}  // namespace

TEST_CASE("a reply of a relaxed space leaves before its change is stored") {
    actor_harness h;
    const auto info = relaxed_function(h);
    manual_state state({&info});
    h.state = &state;
    auto& pool = h.make_pool(info);
    const auto call = call_with_key(h, pool, "k", "a");
    state.read();
    h.run();
    CHECK(h.outcome(call) == "ok: a");
    CHECK(state.stored("texts", "k") == "none");
    CHECK(state.write() == 1);
    CHECK(state.stored("texts", "k") == "a");
}

TEST_CASE("a reply of a relaxed space waits while too much is not stored") {
    actor_harness h;
    const auto info = relaxed_function(h);
    manual_state state({&info});
    h.state = &state;
    auto& pool = h.make_pool(info);
    state.is_behind = true;
    const auto call = call_with_key(h, pool, "k", "a");
    state.read();
    h.run();
    CHECK(h.outcome(call) == "open");
    state.is_behind = false;
    const auto next = call_with_key(h, pool, "k", "b");
    h.run();
    CHECK(h.outcome(next) == "ok: ab");
    CHECK(h.outcome(call) == "open");
    CHECK(state.write() == 1);
    CHECK(h.outcome(call) == "ok: a");
}

TEST_CASE("what a relaxed space could not store stays in memory and is tried again") {
    actor_harness h;
    const auto info = relaxed_function(h);
    manual_state state({&info});
    h.state = &state;
    auto& pool = h.make_pool(info);
    const auto first = call_with_key(h, pool, "k", "a");
    state.read();
    h.run();
    CHECK(h.outcome(first) == "ok: a");
    state.is_behind = true;
    const auto waits = call_with_key(h, pool, "k", "b");
    h.run();
    CHECK(state.write_begins() == 1);
    state.write_ends(write_outcome::unknown);
    // It is told what is so: its change is not stored, and not lost.
    CHECK_THAT(h.outcome(waits), Catch::Contains("stays in memory until it does"));
    state.is_behind = false;
    const auto later = call_with_key(h, pool, "k", "c");
    h.run();
    CHECK(h.outcome(later) == "ok: abc");
    CHECK(state.write() == 1);
    CHECK(state.stored("texts", "k") == "abc");
}

TEST_CASE("a change is written within its time, and others with it") {
    relaxed_space t(2'000'000);
    t.put("k", "a");
    t.wait_until_stored("k", "a");
    t.put("k", "b");
    t.wait_until_stored("k", "b");
    CHECK_FALSE(t.state->behind());
}

TEST_CASE("what waits to be written is written when the node ends") {
    relaxed_space t(hour_ns);
    for (int i = 0; i < 100; ++i) t.put("k" + std::to_string(i % 10), std::to_string(i));
    CHECK(t.store.writes() == 0);
    t.state->end();
    CHECK(t.store.writes() == 1);
    CHECK(t.state->unwritten() == 0);
    for (int i = 0; i < 10; ++i)
        CHECK(as_text(t.stored("k" + std::to_string(i)).value) == std::to_string(90 + i));
}

TEST_CASE("what the store does not take before the node ends is counted as lost") {
    relaxed_space t(hour_ns);
    t.store.fail_writes(1000);
    t.put("k", "a");
    t.put("l", "a");
    t.state->end();
    CHECK(t.state->unwritten() == 2);
    CHECK(t.stored("k").version == 0);
}

TEST_CASE(
    "a relaxed space that waits for its store is behind it, and not any more when that is back") {
    relaxed_space t(2'000'000);
    t.store.hold_writes();
    t.put("k", "a");
    t.store.wait_for_held(1);
    while (!t.state->behind()) std::this_thread::yield();
    t.store.release();
    t.wait_until_stored("k", "a");
    while (t.state->behind()) std::this_thread::yield();
}

TEST_CASE("a relaxed space writes through a store that fails, once, whatever it was told") {
    relaxed_space t(2'000'000);
    t.put("k", "a");
    t.wait_until_stored("k", "a");
    const auto version = t.stored("k").version;
    SECTION("nothing was written") { t.store.fail_writes(3); }
    SECTION("it was written, and the answer was lost") { t.store.lose_answers(1); }
    SECTION("... and what became of it could not be read either") {
        t.store.lose_answers(1);
        t.store.fail_reads(1);
    }
    t.put("k", "b");
    t.wait_until_stored("k", "b");
    t.put("k", "c");
    t.wait_until_stored("k", "c");
    // Each write of a value is one version; one that had to be written again is one more.
    CHECK(t.stored("k").version >= version + 2);
    CHECK(t.stored("k").version <= version + 3);
}

TEST_CASE("an operator's word about a space's mode counts before its author's") {
    actor_harness h;
    const auto info = keyed_function(h, "test/append", append);
    hot_state::options how;
    how.modes = {{"texts", DUNLIN_STATE_RELAXED}};
    const manual_state state({&info}, how);
    CHECK(state.space("texts")->relaxed());
    CHECK(hot_state::needs_store({&info}, how.modes));
    CHECK_FALSE(hot_state::needs_store({&info}, {{"texts", DUNLIN_STATE_EPHEMERAL}}));
}
