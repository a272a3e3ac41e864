// SPDX-License-Identifier: Apache-2.0
//
// Turns that take long, and what they commit in the middle, moved by hand.
#include "tests/unit/actors/state/one_space.hpp"

#include <memory>

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

TEST_CASE("a commit after its call's deadline is refused, and nothing of the call stays") {
    actor_harness h;
    std::vector<std::string> told;
    struct late {
        call_view call;
        std::vector<std::string>* told;
    };
    auto info = keyed_function(
        h, "test/late",
        [&](call_view c) {
            state_of(c) += "late";
            // Whatever becomes of the wait: the deadline is over when it ends.
            c.sleep(20ms, [c, &told](std::int32_t, const std::string&) {
                c.host.commit(
                    c.call,
                    [](void* user, std::int32_t code, const std::uint8_t* why, std::size_t size) {
                        const std::unique_ptr<late> own(static_cast<late*>(user));
                        const std::string text(reinterpret_cast<const char*>(why), size);
                        own->told->push_back(std::to_string(code) + " " + text);
                        own->call.host.fail(own->call.call, code, text.data(), text.size());
                        own->call.host.finish(own->call.call);
                    },
                    new late{c, &told});
            });
            return std::int32_t{DUNLIN_PENDING};
        },
        "texts", true, DUNLIN_ASYNC);
    manual_state state({&info});
    h.state = &state;
    auto& pool = h.make_pool(info);
    static_cast<void>(call_with_key(h, pool, "a", "", h.time.now_ns() + 5'000'000));
    state.read();
    h.run();
    h.pass(30ms);
    h.run();
    CHECK(told ==
          std::vector<std::string>{"6 the call's deadline has passed; nothing was committed"});
    CHECK(state.write() == 0);
    CHECK(state.stored("texts", "a") == "none");
}

TEST_CASE("a long turn delays its key only") {
    actor_harness h;
    auto info = keyed_function(
        h, "test/nap",
        [](call_view c) {
            if (c.payload.empty()) return c.reply(state_of(c) += ".");
            c.sleep(10ms, [c](std::int32_t, std::string) {
                state_of(c) += "slept";
                c.finish(state_of(c));
            });
            return std::int32_t{DUNLIN_PENDING};
        },
        "texts", true, DUNLIN_ASYNC);
    manual_state state({&info});
    h.state = &state;
    auto& pool = h.make_pool(info, {.activations = 2});
    const auto naps = call_with_key(h, pool, "a", "nap");
    state.read();
    h.run();
    const auto behind = call_with_key(h, pool, "a", "");
    const auto beside = call_with_key(h, pool, "b", "");
    state.read();
    h.run();
    state.write();
    CHECK(h.outcome(beside) == "ok: .");
    CHECK(h.outcome(behind) == "open");
    h.pass(10ms);
    state.write();
    CHECK(h.outcome(naps) == "ok: slept");
    CHECK(h.outcome(behind) == "ok: slept.");
}

TEST_CASE("a turn that takes long is not in the way of replies of turns before it") {
    actor_harness h;
    auto info = keyed_function(
        h, "test/nap",
        [](call_view c) {
            state_of(c) += c.payload;
            if (c.payload != "nap") return c.reply(state_of(c));
            c.sleep(10ms, [c](std::int32_t, std::string) { c.finish(state_of(c)); });
            return std::int32_t{DUNLIN_PENDING};
        },
        "texts", true, DUNLIN_ASYNC);
    manual_state state({&info});
    h.state = &state;
    auto& pool = h.make_pool(info);
    const auto quick = call_with_key(h, pool, "a", "1");
    const auto naps = call_with_key(h, pool, "a", "nap");
    state.read();
    h.run();
    CHECK(state.write() == 1);
    CHECK(h.outcome(quick) == "ok: 1");
    CHECK(h.outcome(naps) == "open");
    CHECK(state.stored("texts", "a") == "1");
    h.pass(10ms);
    state.write();
    CHECK(h.outcome(naps) == "ok: 1nap");
}

namespace {

/// One call holds key "a", and waits for the only activation, when the store comes for what a call
/// before it has changed there.
struct held_and_queued {
    explicit held_and_queued(bool cheap, bool with_deadline) {
        infos.push_back(keyed_function(
            h, "test/append", [](call_view c) { return c.reply(state_of(c) += c.payload); }));
        infos.push_back(keyed_function(
            h, "test/slow",
            [](call_view c) {
                state_of(c) += c.payload;
                if (c.payload == "nap") {
                    c.sleep(10ms, [c](std::int32_t, std::string) { c.finish(state_of(c)); });
                    return std::int32_t{DUNLIN_PENDING};
                }
                c.host.commit(
                    c.call,
                    [](void* user, std::int32_t code, const std::uint8_t*, std::size_t) {
                        const std::unique_ptr<call_view> own(static_cast<call_view*>(user));
                        own->finish(std::to_string(code));
                    },
                    new call_view(c));
                return std::int32_t{DUNLIN_PENDING};
            },
            "texts", true, DUNLIN_ASYNC));
        for (auto& each : infos) each.state = &text_state(cheap);
        state =
            std::make_unique<manual_state>(std::vector<const function_info*>{&infos[0], &infos[1]});
        h.state = state.get();
        auto& quick = h.make_pool(infos[0]);
        auto& slow = h.make_pool(infos[1]);
        static_cast<void>(call_with_key(h, slow, "b", "nap"));
        static_cast<void>(call_with_key(h, quick, "a", "0"));
        state->read();
        h.run();
        state->write();
        changed = call_with_key(h, quick, "a", "1");
        h.run();
        waits = call_with_key(h, slow, "a", "2",
                              with_deadline ? h.time.now_ns() + 5'000'000 : no_deadline);
        h.run();
        CHECK(state->write() == 0);
        CHECK(h.outcome(changed) == "open");
    }

    actor_harness h;
    std::vector<function_info> infos;
    std::unique_ptr<manual_state> state;
    std::uint32_t changed = 0;
    std::uint32_t waits = 0;
};

}  // namespace

TEST_CASE("a turn that waits for the store is not waited for by the store") {
    for (const bool cheap : {true, false}) {
        held_and_queued at(cheap, false);
        at.h.pass(10ms);
        CHECK(at.state->write() != 0);
        CHECK(at.h.outcome(at.changed) == "ok: 01");
        at.h.run();
        at.state->write();
        at.h.run();
        at.state->write();
        CHECK(at.h.outcome(at.waits) == "ok: 0");
        CHECK(at.state->stored("texts", "a") == "012");
    }
}

TEST_CASE("what was changed is stored, also when the call that had the key then does not run") {
    for (const bool cheap : {true, false}) {
        held_and_queued at(cheap, true);
        at.h.pass(10ms);
        CHECK_THAT(at.h.outcome(at.waits), Catch::StartsWith("deadline_exceeded"));
        CHECK(at.state->write() != 0);
        CHECK(at.h.outcome(at.changed) == "ok: 01");
        CHECK(at.state->stored("texts", "a") == "01");
    }
}

TEST_CASE("what a call has committed in the middle stays, whatever becomes of the rest") {
    actor_harness h;
    std::vector<std::string> told;
    auto info = keyed_function(
        h, "test/halves",
        [&](call_view c) {
            state_of(c) += "first";
            struct waits {
                call_view c;
                std::vector<std::string>* told;
            };
            auto* kept = new waits{c, &told};
            c.host.commit(
                c.call,
                [](void* user, std::int32_t code, const std::uint8_t*, std::size_t) {
                    const std::unique_ptr<waits> own(static_cast<waits*>(user));
                    own->told->push_back(std::to_string(code));
                    state_of(own->c) += "second";
                    own->c.host.fail(own->c.call, static_cast<std::int32_t>(errc::failed), "no", 2);
                    own->c.host.finish(own->c.call);
                },
                kept);
            return std::int32_t{DUNLIN_PENDING};
        },
        "texts", true, DUNLIN_ASYNC);
    manual_state state({&info});
    h.state = &state;
    auto& pool = h.make_pool(info);
    const auto ticket = call_with_key(h, pool, "a", "");
    state.read();
    h.run();
    CHECK(told.empty());
    CHECK(state.write() == 1);
    CHECK(state.stored("texts", "a") == "first");
    h.run();
    CHECK(told == std::vector<std::string>{"0"});
    CHECK(h.outcome(ticket) == "failed: no");
    const auto again = call_with_key(h, pool, "a", "");
    h.run();
    state.write();
    CHECK(state.stored("texts", "a") == "firstfirst");
    h.run();
    CHECK(h.outcome(again) == "failed: no");
}
