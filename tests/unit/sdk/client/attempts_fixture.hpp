// SPDX-License-Identifier: Apache-2.0
//
// Calls and their attempts at a fleet of nodes that do not exist: what they are told, tests say.
#pragma once

#include "client/attempts.hpp"
#include "fake_fleet.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::tests {

using namespace link;
using namespace std::chrono_literals;
using texts = std::vector<std::string>;
using copies = attempts::copies;

inline wire::failure failure_of(errc code, bool did_not_run = false,
                                std::uint64_t retry_after_us = 0) {
    wire::failure failure;
    failure.code = static_cast<std::int64_t>(code);
    failure.did_not_run = did_not_run;
    failure.retry_after_us = retry_after_us;
    return failure;
}

struct attempts_fixture : fake_fleet {
    call_book book{100'000, 2, now};
    attempts tries{book, fleet, 77, now};

    /// Starts a call on that node, or on any, as the driver does.
    call& start(std::string_view function, std::uint64_t at = 0, copies hedge = copies::unwanted,
                std::string_view key = {}) {
        call& open = book.open(function, 10s);
        auto to = fleet.pick(function, key, nullptr, now);
        if (at != 0) to.on = &node(at);
        REQUIRE(to.on != nullptr);
        wire::invoke envelope;
        envelope.id = open.id;
        envelope.function = function;
        envelope.key = as_bytes(key);
        envelope.payload = as_bytes("p");
        append(to.on->out.open(), envelope);
        tries.keep(open, *to.on, envelope.payload, key, {});
        open.on = to.on;
        fleet.appended(*to.on, book.window());
        tries.sent(open, to, hedge, now);
        book.start(open, now);
        return open;
    }
    void flush() {
        for (const auto& each : channels) static_cast<void>(each->written());
    }
    static fake_channel& at(const call& open) { return static_cast<fake_channel&>(*open.on); }
    /// The node that has the call says this of it.
    std::optional<attempts::ending> fail(call& open, const wire::failure& failure) {
        return tries.failed(open, at(open), failure, now);
    }
    void lose(fake_channel& gone) {
        gone.give_up("the connection was closed");
        fleet.lost(gone, now);
        tries.lost(gone, now);
    }
    texts due() {
        std::vector<call_book::outcome> outcomes;
        book.take_due(outcomes);
        texts found;
        for (const auto& each : outcomes) found.push_back(each.why.detail);
        return found;
    }
    /// A call at node 1 with a copy at another; the function usually takes 5 ms.
    call& start_hedged() {
        auto& hedging = fleet.paths().hedging(fleet.paths().find("t/again"), ns(now));
        for (int i = 0; i < 200; ++i) {
            hedging.called();
            hedging.answered(5'000'000);
        }
        call& open = start("t/again", 1, copies::wanted);
        flush();
        now += 4ms;
        tries.send_copies(now);
        CHECK(open.kept->second == nullptr);
        CHECK(tries.next_copy() > now);
        now += 10ms;
        tries.send_copies(now);
        REQUIRE(open.kept->second != nullptr);
        CHECK(open.on == &node(1));
        CHECK(open.kept->second != &node(1));
        CHECK(copy_of(open).written() == texts{"invoke t/again #1"});
        CHECK(tries.hedges() == 1);
        return open;
    }
    static fake_channel& copy_of(const call& open) {
        return static_cast<fake_channel&>(*open.kept->second);
    }
};

}  // namespace dunlin::tests
