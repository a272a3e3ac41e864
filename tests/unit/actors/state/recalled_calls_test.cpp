// SPDX-License-Identifier: Apache-2.0
//
// Calls of an idempotent function that come again, at a second owner of their key or at the same
// one: they are applied once, and get the reply of then.
#include "tests/support/catch.hpp"
#include "tests/support/state_harness.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;

namespace {

std::int64_t lease_clock() noexcept { return 1000; }

/// Appends its input, and answers how long that made the value.
std::int32_t append(call_view c) {
    auto& value = state_of(c);
    value += c.payload;
    return c.reply(std::to_string(value.size()));
}

/// A node that has the key, or believes that it has. Several have one store.
struct owner {
    actor_harness h;
    function_info again = keyed_function(h, "test/again", append, "texts", true, DUNLIN_IDEMPOTENT);
    function_info once = keyed_function(h, "test/once", append);
    function_info talks = keyed_function(
        h, "test/talk",
        [](call_view c) {
            state_of(c) += c.payload;
            return c.reply(std::string(recent_calls::reply_bytes_max + 1, 'x'));
        },
        "texts", true, DUNLIN_IDEMPOTENT);
    function_info fails = keyed_function(
        h, "test/fail",
        [](call_view c) {
            state_of(c) += c.payload;
            return c.fail(errc::failed, "no");
        },
        "texts", true, DUNLIN_IDEMPOTENT);
    function_info erases = keyed_function(h, "test/erase", [](call_view c) {
        static_cast<std::optional<std::string>*>(c.host.state(c.call))->reset();
        return c.reply("");
    });
    manual_state state;

    explicit owner(memory_store* over, bool cheap = false, std::uint32_t mode = 0)
        : state(with(cheap, mode), {}, over) {
        h.state = &state;
    }
    std::vector<const function_info*> with(bool cheap, std::uint32_t mode) {
        for (auto* each : {&again, &once, &talks, &fails, &erases}) {
            each->state = &text_state(cheap);
            each->state_mode = mode;
        }
        return {&again, &once, &talks, &fails, &erases};
    }
    /// Other nodes use the store, and this one owns all keys.
    void share() {
        auto lease = std::make_shared<node_lease>(&lease_clock);
        lease->decides();
        lease->set(1, 1'000'000'000, 1'000'000'000);
        auto& space = *state.space("texts");
        space.share(std::make_shared<key_rights>(lease));
        for (std::uint32_t at = 0; at < cluster::partition_count; ++at)
            space.sharing()->rights().set(at, key_right::own);
    }
    /// Call `id` of one caller.
    std::uint32_t send(std::uint64_t id, std::string_view text, const function_info& to,
                       std::uint32_t attempt = 0, std::uint64_t source = 9) {
        auto*& pool = pools_[to.name];
        if (pool == nullptr) pool = &h.make_pool(to);
        std::uint32_t ticket = 0;
        auto work = h.bundle_of({std::string(text), "k"}, &ticket);
        auto& call = (*work)[0];
        call.key = (*work)[1].payload;
        call.source = source;
        call.id = id;
        call.attempt = attempt;
        work->truncate(1);
        h.submit(*pool, work);
        return ticket;
    }
    std::uint32_t send(std::uint64_t id, std::string_view text, std::uint32_t attempt = 0) {
        return send(id, text, again, attempt);
    }
    std::string told(std::uint32_t ticket) {
        state.settle(h);
        return h.outcome(ticket);
    }
    [[nodiscard]] std::string stored() { return state.stored("texts", "k"); }

private:
    std::map<std::string, pool*> pools_;
};

stored_state stored_at(owner& of) {
    state_read wanted[] = {{of.state.space("texts")->how().number, as_bytes("k"), {}}};
    REQUIRE(of.state.kept.read(wanted));
    return std::move(wanted[0].found);
}

}  // namespace

TEST_CASE("a call that comes again at a later owner is applied once, and gets the same reply") {
    for (const bool cheap : {false, true}) {
        memory_store store;
        owner first(&store, cheap);
        CHECK(first.told(first.send(1, "a")) == "ok: 1");
        owner second(&store, cheap);
        CHECK(second.told(second.send(1, "a", 1)) == "ok: 1");
        CHECK(second.told(second.send(2, "b")) == "ok: 2");
        CHECK(second.told(second.send(3, "c", second.once)) == "ok: 3");
        owner third(&store, cheap);
        CHECK(third.told(third.send(2, "b", 256)) == "ok: 2");
        CHECK(third.told(third.send(1, "a", 2)) == "ok: 1");
        CHECK(third.stored() == "abc");
    }
}

TEST_CASE("a call whose write lost its answer is applied once when it comes again") {
    memory_store store;
    owner one(&store);
    const auto first = one.send(1, "a");
    one.h.run();
    one.state.read();
    one.h.run();
    REQUIRE(one.state.write_begins() == 1);
    one.state.write_ends(write_outcome::unknown, true);
    CHECK_THAT(one.h.outcome(first), Catch::StartsWith("unavailable: the store has failed while"));
    CHECK(one.told(one.send(1, "a", 1)) == "ok: 1");
    CHECK(one.stored() == "a");
}

TEST_CASE("a call that comes again while its write is on its way waits for that") {
    for (const bool stored : {true, false}) {
        memory_store store;
        owner one(&store);
        CHECK(one.told(one.send(7, "z")) == "ok: 1");
        const auto first = one.send(1, "a");
        one.h.run();
        REQUIRE(one.state.write_begins() == 1);
        const auto repeat = one.send(1, "a", 1);
        one.h.run();
        CHECK(one.h.outcome(first) == "open");
        CHECK(one.h.outcome(repeat) == "open");
        one.state.write_ends(stored ? write_outcome::written : write_outcome::unknown);
        if (stored) {
            CHECK(one.h.outcome(first) == "ok: 2");
            CHECK(one.h.outcome(repeat) == "ok: 2");
            CHECK(one.state.write() == 0);
        } else {
            // Nothing of it is there, so what comes then is the first.
            CHECK_THAT(one.h.outcome(first), Catch::StartsWith("unavailable: "));
            CHECK_THAT(one.h.outcome(repeat), Catch::StartsWith("unavailable: "));
            CHECK(one.told(one.send(1, "a", 2)) == "ok: 2");
        }
        CHECK(one.stored() == "za");
    }
}

TEST_CASE("a call that comes again in the same go is applied once") {
    for (const bool cheap : {false, true}) {
        owner one(nullptr, cheap);
        // They wait for the value together, and get the key together.
        const auto first = one.send(1, "a");
        const auto other = one.send(2, "b");
        const auto repeat = one.send(1, "a", 1);
        const auto last = one.send(3, "c");
        one.state.settle(one.h);
        CHECK(one.h.outcome(first) == "ok: 1");
        CHECK(one.h.outcome(other) == "ok: 2");
        CHECK(one.h.outcome(repeat) == "ok: 1");
        CHECK(one.h.outcome(last) == "ok: 3");
        CHECK(one.stored() == "abc");
    }
}

TEST_CASE("a call that two owners run is applied once") {
    for (const bool shares : {false, true}) {
        memory_store store(shares ? memory_store::users::many_nodes
                                  : memory_store::users::one_node);
        owner first(&store);
        owner second(&store);
        if (shares) {
            first.share();
            second.share();
        }
        const auto slow = first.send(1, "a");
        first.h.run();
        first.state.read();
        first.h.run();
        REQUIRE(first.state.write_begins() == 1);
        CHECK(second.told(second.send(1, "a", 1)) == "ok: 1");
        first.state.write_ends();
        first.state.settle(first.h);
        // Where nodes share the store it has its turn again, and is found to be applied.
        if (shares)
            CHECK(first.h.outcome(slow) == "ok: 1");
        else
            CHECK_THAT(first.h.outcome(slow), Catch::StartsWith("unavailable: "));
        CHECK(first.told(first.send(1, "a", 2)) == "ok: 1");
        CHECK(first.stored() == "a");
    }
}

// By it an owner finds out whether a write of unknown outcome was its own.
TEST_CASE("two owners that run one call write under different names") {
    const auto writer = [](std::uint32_t attempt) {
        owner one(nullptr);
        REQUIRE(one.told(one.send(1, "a", attempt)) == "ok: 1");
        return stored_at(one).writer;
    };
    CHECK(writer(0) == writer(0));
    CHECK(writer(0) != writer(1));
    CHECK(writer(1) != writer(256));
}

TEST_CASE("a call is applied again when as many others came to its key as are kept") {
    memory_store store;
    owner one(&store);
    CHECK(one.told(one.send(1, "a")) == "ok: 1");
    std::uint64_t id = 100;
    for (std::size_t other = 1; other < recent_calls::calls_max; ++other)
        REQUIRE(one.told(one.send(++id, "b")).starts_with("ok: "));
    owner second(&store);
    CHECK(second.told(second.send(1, "a", 1)) == "ok: 1");
    CHECK(second.told(second.send(++id, "b")) == "ok: 65");
    CHECK(second.told(second.send(1, "a", 2)) == "ok: 66");
}

TEST_CASE("a call whose reply was too large to be kept is not applied again, and says so") {
    memory_store store;
    owner one(&store);
    CHECK_THAT(one.told(one.send(1, "a", one.talks)), Catch::StartsWith("ok: xxx"));
    owner second(&store);
    CHECK_THAT(second.told(second.send(1, "a", second.talks, 1)),
               Catch::StartsWith("unavailable: this call has been applied before, and its reply"));
    CHECK(second.stored() == "a");
}

TEST_CASE("calls that left nothing, or that nobody can name, are not kept") {
    memory_store store;
    owner one(&store);
    CHECK(one.told(one.send(1, "a", one.fails)) == "failed: no");
    CHECK(one.told(one.send(2, "a", one.once)) == "ok: 1");
    CHECK(one.told(one.send(2, "a", one.once, 1)) == "ok: 2");
    CHECK(one.told(one.send(3, "a", one.again, 0, 0)) == "ok: 3");
    CHECK(stored_at(one).recent.empty());
    // Of another function it is another call, whatever its number.
    CHECK(one.told(one.send(4, "b")) == "ok: 4");
    CHECK_THAT(one.told(one.send(4, "c", one.talks)), Catch::StartsWith("ok: xxx"));
    CHECK(one.stored() == "aaabc");
    CHECK_FALSE(stored_at(one).recent.empty());
}

TEST_CASE("calls are known after their value was erased") {
    memory_store store;
    owner one(&store);
    CHECK(one.told(one.send(1, "a")) == "ok: 1");
    CHECK(one.told(one.send(2, "", one.erases)) == "ok: ");
    CHECK(one.stored() == "none");
    owner second(&store);
    CHECK(second.told(second.send(1, "a", 1)) == "ok: 1");
    CHECK(second.stored() == "none");
}

TEST_CASE("in a relaxed space a call that comes again is applied once, and answered at once") {
    memory_store store;
    owner one(&store, false, DUNLIN_STATE_RELAXED);
    CHECK(one.told(one.send(7, "z")) == "ok: 1");
    const auto first = one.send(1, "a");
    one.h.run();
    const auto repeat = one.send(1, "a", 1);
    one.h.run();
    CHECK(one.h.outcome(first) == "ok: 2");
    CHECK(one.h.outcome(repeat) == "ok: 2");
    one.state.settle(one.h);
    owner second(&store, false, DUNLIN_STATE_RELAXED);
    CHECK(second.told(second.send(1, "a", 2)) == "ok: 2");
    CHECK(second.stored() == "za");
}

TEST_CASE("kept calls that are damaged fail the calls of their key, with a sentence") {
    owner one(nullptr);
    state_write bad;
    bad.space = one.state.space("texts")->how().number;
    bad.key = as_bytes("k");
    bad.version = 1;
    bad.value = as_bytes("a");
    bad.recent = as_bytes("no calls");
    REQUIRE(one.state.kept.write({&bad, 1}));
    CHECK_THAT(one.told(one.send(1, "a")),
               Catch::StartsWith("unavailable: the state in space texts cannot be read: the calls "
                                 "that are kept beside a value are damaged"));
}
