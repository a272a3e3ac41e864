// SPDX-License-Identifier: Apache-2.0
//
// Group commit, with a store whose writes wait until they may go on.
#include "actors/store_writer.hpp"

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

std::int32_t append(call_view c) {
    auto& value = state_of(c);
    value += c.payload;
    return c.reply(value);
}

std::int64_t noon() noexcept { return 43'200'000; }

/// A durable space with some keys in memory, so that what is put is changed at once, and a store
/// that writes only what the test lets it.
struct held_space {
    actor_harness h;
    function_info info = keyed_function(h, "test/append", append);
    std::shared_ptr<memory_store> kept = std::make_shared<memory_store>();
    tests::faulty_store store;
    hot_state state{{}, &store, [](const error&) {}, &noon};
    state_space* space;
    std::uint64_t puts = 0;
    std::size_t writes_before = 0;
    std::size_t values_before = 0;

    explicit held_space(std::size_t writes_at_once) : store(kept, writes_at_once) {
        REQUIRE(state.open({&info}));
        state.start();
        space = state.space("texts");
        for (const auto* key : {"a", "b", "c", "d"}) put(key, "0");
        for (const auto* key : {"a", "b", "c", "d"}) wait_until_stored(key, "0");
        writes_before = store.writes();
        values_before = store.values_written();
        store.hold_writes();
    }
    [[nodiscard]] std::size_t writes() const { return store.writes() - writes_before; }
    [[nodiscard]] std::size_t values_written() const {
        return store.values_written() - values_before;
    }
    held_space(const held_space&) = delete;
    held_space& operator=(const held_space&) = delete;
    ~held_space() {
        store.release();
        state.end();
    }
    void put(const std::string& key, const std::string& value) {
        space->operate(key, std::make_shared<put_text>(value, ++puts));
    }
    /// A write of "a" is on its way, and one of "b" beside it.
    void hold_two() {
        put("a", "1");
        store.wait_for_held(1);
        put("b", "2");
        store.wait_for_held(2);
    }
    void wait_until_stored(const std::string& key, const std::string& value) const {
        for (;;) {
            state_read wanted[] = {{space->how().number, as_bytes(key), {}}};
            REQUIRE(kept->read(wanted));
            if (as_text(wanted[0].found.value) == value) return;
            std::this_thread::yield();
        }
    }
};

}  // namespace

TEST_CASE("what changes while a write waits shares the next one") {
    held_space at(1);
    at.put("a", "1");
    at.store.wait_for_held(1);
    at.put("b", "2");
    at.put("c", "3");
    CHECK(at.writes() == 1);
    at.store.release();
    at.wait_until_stored("b", "2");
    at.wait_until_stored("c", "3");
    CHECK(at.writes() == 2);
    CHECK(at.values_written() == 3);
}

TEST_CASE("a store that does two writes at once has the second while the first waits") {
    held_space at(2);
    at.hold_two();
    // No third: what comes now shares one again.
    at.put("c", "3");
    at.put("d", "4");
    CHECK(at.writes() == 2);
    at.store.release();
    at.wait_until_stored("d", "4");
    at.wait_until_stored("c", "3");
    CHECK(at.values_written() == 4);
}

TEST_CASE("a write beside others begins when as many keys wait as are on their way") {
    held_space at(3);
    at.hold_two();
    // Two are on their way, and this one is not worth a write beside them ...
    at.put("c", "3");
    at.put("d", "4");
    at.store.wait_for_held(3);
    // ... but two are.
    CHECK(at.values_written() == 4);
    at.store.release();
    at.wait_until_stored("d", "4");
    CHECK(at.writes() == 3);
}

TEST_CASE("a key is in one write at a time, and its next change in one after that") {
    held_space at(2);
    at.put("a", "1");
    at.store.wait_for_held(1);
    at.put("a", "2");
    at.put("b", "3");
    at.store.wait_for_held(2);
    CHECK(at.values_written() == 2);
    at.store.release();
    at.wait_until_stored("a", "2");
    CHECK(at.values_written() == 3);
}

TEST_CASE("all that has changed is written at the end, by however many threads") {
    const auto at_once = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{5});
    held_space at(at_once);
    for (int key = 0; key < 100; ++key) at.put("k" + std::to_string(key), "v");
    at.store.release();
    at.state.end();
    for (int key = 0; key < 100; ++key) at.wait_until_stored("k" + std::to_string(key), "v");
}
