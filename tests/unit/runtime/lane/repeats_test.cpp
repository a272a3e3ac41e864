// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/repeats.hpp"

#include "tests/unit/runtime/lane/outlet_parts.hpp"

#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

/// Stands for the lane: keeps what its entries are answered.
struct answered final : actors::answer_port, actors::call_carrier {
    void answer_value(actors::answer_address to, actors::output_buffer& payload) override {
        const auto view = payload.view();
        said.push_back(std::to_string(to.slot) + ": " +
                       std::string(reinterpret_cast<const char*>(view.data()), view.size()));
    }
    void answer_error(actors::answer_address to, error why) override {
        said.push_back(std::to_string(to.slot) + ": " + why.detail);
    }
    void started_cold(actors::answer_address of) override {
        said.push_back(std::to_string(of.slot) + ": cold");
    }
    void withdraw(actors::answer_address carried, errc) override {
        said.push_back(std::to_string(carried.slot) + ": withdrawn");
    }
    std::vector<std::string> said;
};

class no_memory final : public actors::frame_memory {};

struct lone_repeats : outlet_parts {
    call_window window{{}};
    answered lane;
    repeats again{window, out, lane, now_ns, {"n1", 10}};
    runtime::ledger ledger;
    peer& from = out.peers().add("peer");
    std::uint64_t ids = 100;
    no_memory nothing;
    std::vector<actors::bundle_ptr> work;

    static wire::invoke call() {
        wire::invoke made;
        made.function = "text/count";
        made.origin = 7;
        made.origin_id = 8;
        return made;
    }
    ledger_entry& enter() {
        auto& entry = ledger.open(from, ++ids);
        entry.work = work.emplace_back(actors::bundle::create(1, nothing)).get();
        static_cast<void>(entry.work->add());
        ++from.in_flight;
        return entry;
    }
    /// @returns the ticket of a first call; none: it is a repeat.
    call_window::ticket take(ledger_entry** waits = nullptr) {
        one_frame frame(budget);
        auto& into = frame.into;
        auto arrives = call();
        arrives.id = ids + 1;
        const bool repeat =
            again.take(from, arrives, into, [&](call_window::ticket) -> ledger_entry& {
                auto& entry = enter();
                if (waits != nullptr) *waits = &entry;
                return entry;
            });
        CHECK(repeat != static_cast<bool>(into.named));
        return into.named;
    }
    /// The first call, as it is entered.
    ledger_entry& first() {
        const auto named = take();
        REQUIRE(named);
        auto& entry = enter();
        entry.plays = ledger_entry::part::first;
        entry.named = named;
        return entry;
    }
    void value(ledger_entry& of, std::string_view text) {
        again.remember_value(of, {reinterpret_cast<const std::byte*>(text.data()), text.size()});
    }
    std::vector<std::string> told() {
        std::vector<std::string> lines;
        for_each_told(from, [&](const wire::frame_reader& reader) {
            if (reader.kind() == wire::kind::reply)
                lines.emplace_back(as_text(reader.reply().payload));
            else if (reader.kind() == wire::kind::failure)
                lines.emplace_back(reader.failure().detail);
            else if (reader.kind() == wire::kind::cold)
                lines.emplace_back("cold " + std::to_string(reader.id_or_token()));
        });
        return lines;
    }
};

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a repeat of a call that runs waits for the first one's answer") {
    lone_repeats at;
    auto& first = at.first();
    ledger_entry* waits = nullptr;
    CHECK_FALSE(at.take(&waits));
    REQUIRE(waits != nullptr);
    CHECK(waits->plays == ledger_entry::part::attached);
    at.value(first, "three");
    CHECK(at.lane.said == lines{std::to_string(waits->slot) + ": three"});
}

TEST_CASE("repeats of a call that paid for a start are told so, while it runs and later") {
    lone_repeats at;
    auto& first = at.first();
    ledger_entry* waits = nullptr;
    CHECK_FALSE(at.take(&waits));
    REQUIRE(waits != nullptr);
    first.cold_elsewhere = true;
    at.value(first, "three");
    const auto slot = std::to_string(waits->slot);
    CHECK(at.lane.said == lines{slot + ": cold", slot + ": three"});
    CHECK_FALSE(at.take());
    CHECK(at.told() == lines{"cold " + std::to_string(at.ids + 1), "three"});
}

TEST_CASE("a repeat of a call that was answered has the same answer, value or error") {
    lone_repeats at;
    at.value(at.first(), "three");
    CHECK_FALSE(at.take());
    CHECK(at.told() == lines{"three"});
    lone_repeats other;
    other.again.remember_error(other.first(), {errc::invalid_argument, "no text"});
    CHECK_FALSE(other.take());
    CHECK(other.told() == lines{"no text"});
}

TEST_CASE("a call that did not run leaves no trace, and those that wait for it hear why") {
    lone_repeats at;
    auto& first = at.first();
    CHECK_FALSE(at.take());
    at.again.remember_error(first, {errc::overloaded, "too much"});
    REQUIRE(at.lane.said.size() == 1);
    CHECK_THAT(at.lane.said.front(), Catch::EndsWith(": too much"));
    CHECK(at.take());
    // The same of one that was refused before it had an entry.
    lone_repeats other;
    one_frame frame(other.budget);
    auto& into = frame.into;
    into.named = other.take();
    other.again.not_taken(into);
    CHECK_FALSE(into.named);
    CHECK(other.take());
}

TEST_CASE("a call whose caller has gone runs on while repeats wait for it, and no longer") {
    lone_repeats at;
    auto& first = at.first();
    CHECK_FALSE(at.again.leave_to_repeats(first));  // nobody waits
    ledger_entry* waits = nullptr;
    CHECK_FALSE(at.take(&waits));
    CHECK(at.again.is_awaited(first));
    CHECK(at.again.leave_to_repeats(first));
    CHECK(first.plays == ledger_entry::part::orphan);
    CHECK(first.asker->what == caller::kind::nobody);
    CHECK(at.from.in_flight == 1);
    at.again.leave(*waits);
    CHECK(waits->plays == ledger_entry::part::none);
    CHECK(at.lane.said == lines{std::to_string(first.slot) + ": withdrawn"});
}

TEST_CASE("a repeat of a call that was withdrawn is not told what its caller wanted") {
    lone_repeats at;
    auto& first = at.first();
    CHECK_FALSE(at.take());
    at.again.remember_error(first, {errc::cancelled, "the caller withdrew the call"});
    REQUIRE(at.lane.said.size() == 1);
    CHECK_THAT(at.lane.said.front(), Catch::Contains("the call was withdrawn as its repeat came"));
    CHECK_THAT(at.lane.said.front(), Catch::Contains("may have run"));
}

TEST_CASE("only calls with a name of their own are recognised") {
    lone_repeats at;
    auto call = lone_repeats::call();
    CHECK(at.again.has_name(at.from, call));
    call.origin = 0;
    CHECK_FALSE(at.again.has_name(at.from, call));
    at.from.instance = call.origin = 9;  // of a node that sends on what has no name
    CHECK_FALSE(at.again.has_name(at.from, call));
}
