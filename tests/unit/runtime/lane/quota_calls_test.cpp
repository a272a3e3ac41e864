// SPDX-License-Identifier: Apache-2.0
//
// Quotas where calls begin and end: no way in which a call can end leaves its place taken.
#include "runtime/lane/authorizer.hpp"
#include "tests/unit/runtime/lane/lane_parts.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

std::string key_of(char digit) { return std::string(security::key_characters, digit); }

std::string entry(const std::string& name, char digit) {
    return "[[allow]]\nname = \"" + name + "\"\nkey = \"" + key_of(digit) + "\"\n";
}
std::string quota_of(const std::string& name, const std::string& lines) {
    return "[[quota]]\nname = \"" + name + "\"\n" + lines + "\n";
}
const std::string both = entry("shop", '1') + entry("desk", '2');

allow_list list_of(const std::string& text) {
    auto list = allow_list::parse(text, "allow.toml");
    INFO((list ? std::string() : list.error().detail));
    REQUIRE(list);
    return std::move(*list);
}

/// A lane of a node with keys; its peers have the keys of their first letters: "shop", "desk 2".
struct keyed_lane : lane_parts {
    node_security security;
    authorizer guard;
    actors::pool& echo = serve("a/echo", [](testing::call_view c) { return c.reply(c.payload); },
                               {.activations = 1, .queue_depth_max = 3});

    explicit keyed_lane(const std::string& list)
        : security({"n1", key_of('7'), security::secret_text(key_of('8'))}, std::nullopt,
                   list_of(list)),
          guard(security, 1, others.view(), out, counters, clock.now_ns()) {
        leaving.use_keys(guard);
        admits.use_keys(guard);
        constexpr std::int64_t short_ns = 1000;
        echo.runs().began(short_ns, 1);
    }
    peer& join(const std::string& name, wire::peer_role role = wire::peer_role::client) {
        const char digit = role == wire::peer_role::node ? '7' : name.front() == 's' ? '1' : '2';
        auto& added = connect(name, role);
        wire::hello hello;
        hello.role = role;
        auto rights = guard.rights_of(hello, key_of(digit));
        REQUIRE(rights);
        added.rights = std::move(*rights);
        added.count_by_rights();
        return added;
    }
    void take(peer& from, const wire::invoke& call) {
        auto* memory = new budgeted_frame(zmq::message_t(64), budget);
        gathering into{*memory};
        into.envelopes_expected = 1;
        admits.take(from, call, into);
        CHECK_FALSE(from.place_taken);
        admits.submit(into);
        memory->release();
    }
    void allow(const std::string& list) {
        security.board.put(
            std::make_shared<const runtime::access>(security.board.newest()->next(list_of(list))));
        leaving.renew_access();
    }
    [[nodiscard]] std::shared_ptr<quota_use> use_of(char digit) const {
        const auto* found = security.board.newest()->find(key_of(digit));
        return found == nullptr ? nullptr : found->use;
    }
};

}  // namespace

TEST_CASE("a caller beyond its quota is refused before its call has any effect, others are not") {
    keyed_lane at(both + quota_of("shop", "concurrency = 2"));
    auto& shop = at.join("shop");
    auto& desk = at.join("desk");
    for (std::uint64_t id = 1; id <= 3; ++id) at.take(shop, call_to("a/echo", id, "x"));
    at.take(desk, call_to("a/echo", 1, "y"));
    CHECK(at.told("shop") ==
          lines{"failure 3 \"shop\" may have 2 calls at once at a node, and has; quota of the "
                "allow-list; try again in 10 ms"});
    CHECK(shop.in_flight == 2);
    CHECK(at.counters.calls_beyond_quota.get() == 1);
    at.run();
    CHECK(at.told("shop") == lines{"reply 1 x", "reply 2 x"});
    CHECK(at.told("desk") == lines{"reply 1 y"});
    CHECK(at.use_of('1')->open() == 0);
    CHECK(desk.shared == nullptr);
    at.take(shop, call_to("a/echo", 4, "z"));
    at.run();
    CHECK(at.told("shop") == lines{"reply 4 z"});
}

TEST_CASE("the connections of one key count together, and neither nodes nor inner calls count") {
    keyed_lane at(both + quota_of("shop", "concurrency = 2\nweight = 3"));
    auto& one = at.join("shop 1");
    auto& other = at.join("shop 2");
    auto& node = at.join("n2", wire::peer_role::node);
    at.take(one, call_to("a/echo", 1));
    at.take(other, call_to("a/echo", 1));
    at.take(one, call_to("a/echo", 2));
    at.take(other, call_to("a/echo", 2));
    CHECK(at.told("shop 1").size() == 1);
    CHECK(at.told("shop 2").size() == 1);
    auto sent_on = call_to("a/echo", 1);
    sent_on.flags = wire::invoke_flags::forwarded;
    at.take(node, sent_on);
    CHECK(node.shared == nullptr);
    CHECK(node.weight() == 1);
    CHECK(one.weight() == 3);
    CHECK(at.calls.inside().shared == nullptr);
    CHECK(at.use_of('1')->open() == 2);
    at.leaving.remove(one, "the test says so");
    CHECK(at.use_of('1')->open() == 1);
    at.take(other, call_to("a/echo", 3));
    at.run();
    CHECK(at.told("shop 2").size() == 2);
}

TEST_CASE("a call that is refused for another reason leaves no place taken") {
    keyed_lane at(both + quota_of("shop", "concurrency = 5"));
    auto& shop = at.join("shop");
    at.take(shop, call_to("a/none", 1));
    const std::string large(test_payload_bytes_max + 1, 'x');
    at.take(shop, call_to("a/echo", 2, large));
    CHECK(at.told("shop").size() == 2);
    CHECK(at.use_of('1')->open() == 0);
    // A kept answer is given at once.
    auto named = call_to("a/echo", 3, "x");
    named.origin = 70;
    named.origin_id = 1;
    at.take(shop, named);
    at.run();
    named.id = 4;
    at.take(shop, named);
    CHECK(at.told("shop") == lines{"reply 3 x", "reply 4 x"});
    CHECK(at.use_of('1')->open() == 0);
}

TEST_CASE("a quota's rate refuses with the time when there is room, which then there is") {
    keyed_lane at(both + quota_of("shop", "rate = 10\nburst = 1"));
    auto& shop = at.join("shop");
    at.take(shop, call_to("a/echo", 1, "x"));
    at.take(shop, call_to("a/echo", 2, "x"));
    CHECK_THAT(at.told("shop").at(0), Contains("10 calls a second") && Contains("in 100 ms"));
    at.advance(100ms);
    at.take(shop, call_to("a/echo", 3, "x"));
    at.run();
    CHECK(at.told("shop") == lines{"reply 1 x", "reply 3 x"});
}

TEST_CASE("a changed quota counts the calls that are open, whether they counted before or not") {
    keyed_lane at(both);
    auto& shop = at.join("shop");
    at.take(shop, call_to("a/echo", 1));
    at.take(shop, call_to("a/echo", 2));
    at.allow(both + quota_of("shop", "concurrency = 1"));
    CHECK(at.use_of('1')->open() == 2);
    at.take(shop, call_to("a/echo", 3));
    CHECK_THAT(at.told("shop").at(0), Contains("may have 1 calls at once"));
    at.allow(both + quota_of("shop", "concurrency = 3"));
    at.take(shop, call_to("a/echo", 4));
    const auto before = at.use_of('1');
    CHECK(before->open() == 3);
    at.allow(both);
    CHECK(before->open() == 0);
    CHECK(shop.shared == nullptr);
    at.run();
    CHECK(at.told("shop").size() == 3);
    CHECK(before->open() == 0);
    CHECK(shop.in_flight == 0);
}

TEST_CASE("a key that leaves the list gives its calls back") {
    keyed_lane at(both + quota_of("shop", "concurrency = 4"));
    auto& shop = at.join("shop");
    for (std::uint64_t id = 1; id <= 3; ++id) at.take(shop, call_to("a/echo", id));
    const auto use = at.use_of('1');
    CHECK(use->open() == 3);
    at.allow(entry("desk", '2'));
    CHECK(use->open() == 0);
    CHECK(at.out.peers().size() == 0);
    CHECK(at.calls.ledger().open_count() == 0);
}

namespace {

/// Callers that come, call, repeat, withdraw, wait too long and go, while lists change.
class random_callers {
public:
    explicit random_callers(std::uint64_t seed) : random_(seed), at_(list()) {
        auto view = std::make_shared<cluster_view>();
        view->number = 1;
        view->members = {{1, "n1", {"tcp://127.0.0.1:1"}, false},
                         {2, "n2", {"tcp://127.0.0.1:2"}, false}};
        at_.over.set_members(*view, at_.clock.now_ns());
        at_.routing.set_view(view, at_.clock.now_ns());
        watch();
    }
    void step() {
        switch (pick(12)) {
            case 0: join(); break;
            case 1: at_.run(); break;
            case 2:
                if (auto* who = any()) at_.calls.cancel(*who, pick(ids));
                break;
            case 3:
                if (auto* who = pick(3) == 0 ? any() : nullptr) at_.leaving.remove(*who, "leaves");
                break;
            case 4: at_.advance(std::chrono::milliseconds(pick(200))); break;
            case 5: static_cast<void>(at_.routing.advance(at_.clock.now_ns())); break;
            case 6: at_.calls.end_turn(); break;
            case 7:
                if (pick(2) == 0) at_.allow(list());
                watch();
                break;
            case 8: obey(); break;
            default: call();
        }
        check();
    }
    void end() {
        obey();
        at_.calls.cut_short_all();
        check();
        for (const auto& each : uses_) CHECK(each->open() == 0);
    }
    /// How often something happened that the test is about.
    [[nodiscard]] std::uint64_t refused() const { return at_.counters.calls_beyond_quota.get(); }
    [[nodiscard]] std::uint64_t expelled() const { return at_.counters.peers_expelled.get(); }
    [[nodiscard]] std::uint64_t repeated() const { return at_.window.counted().counted.repeats; }

private:
    static constexpr std::uint64_t ids = 12;

    std::uint64_t pick(std::uint64_t below) { return random_() % below; }
    peer* any() {
        std::vector<peer*> all;
        at_.out.peers().for_each([&](peer& each) { all.push_back(&each); });
        // By name: the order in the table is none that a seed could repeat.
        std::sort(all.begin(), all.end(), [](auto* a, auto* b) { return a->name < b->name; });
        return all.empty() ? nullptr : all[pick(all.size())];
    }
    std::string list() {
        std::string text;
        for (const auto& [name, digit] : {std::pair("shop", '1'), std::pair("desk", '2')}) {
            if (pick(6) == 0) continue;
            text += entry(name, digit);
            if (pick(4) == 0) continue;
            text += quota_of(name, pick(2) == 0
                                       ? "concurrency = " + std::to_string(1 + pick(6))
                                       : "concurrency = 4\nrate = " + std::to_string(1 + pick(99)));
        }
        return text.empty() ? "# nobody\n" : text;
    }
    void join() {
        if (at_.out.peers().size() >= 5) return;
        const char digit = pick(2) == 0 ? '1' : '2';
        if (at_.security.board.newest()->find(key_of(digit)) == nullptr) return;
        at_.join((digit == '1' ? "shop " : "desk ") + std::to_string(++joined_));
    }
    void call() {
        auto* from = any();
        if (from == nullptr) return join();
        auto made = call_to(pick(10) == 0 ? "a/none" : "a/echo", 1 + pick(ids), "x");
        if (pick(2) == 0) {
            // An origin of its key's own, which each connection names alike.
            made.origin = 70 + static_cast<std::uint64_t>(from->rights->key.front());
            made.origin_id = 1 + pick(4);
        }
        if (pick(3) == 0) made.key = as_bytes(keys_[pick(keys_.size())]);
        if (pick(2) == 0) made.remaining_us = 1 + pick(300'000);
        const auto before = from->shared == nullptr ? 0 : from->shared->open();
        at_.take(*from, made);
        if (from->shared == nullptr) return;
        const std::int64_t most = from->rights->granted->limits.concurrency;
        CHECK(from->shared->open() <= std::max(before, most));
    }
    void obey() {
        for (auto& each : at_.commanded()) {
            if (auto* value = std::get_if<value_answer>(&each))
                at_.calls.answer_value(value->to, value->payload);
            else if (auto* failed = std::get_if<error_answer>(&each))
                at_.calls.answer_error(failed->to, std::move(failed->why));
            else if (auto* stop = std::get_if<carried_stop>(&each))
                at_.calls.withdraw(stop->carried, stop->reason);
        }
    }
    void watch() {
        for (const char digit : {'1', '2'})
            if (auto use = at_.use_of(digit);
                use && std::find(uses_.begin(), uses_.end(), use) == uses_.end())
                uses_.push_back(std::move(use));
    }
    /// What each key is said to have open is what its connections have.
    void check() {
        std::map<const quota_use*, std::size_t> open;
        at_.out.peers().for_each([&](peer& each) {
            CHECK_FALSE(each.place_taken);
            CHECK(each.shared == each.rights->granted->use.get());
            open[each.shared] += each.in_flight;
        });
        for (const auto& each : uses_)
            CHECK(each->open() == static_cast<std::int64_t>(open[each.get()]));
    }

    std::mt19937_64 random_;
    keyed_lane at_;
    std::vector<std::shared_ptr<quota_use>> uses_;  // that there ever were
    std::vector<std::string> keys_{"1", "2", "3", "4", "5", "6"};
    int joined_ = 0;
};

}  // namespace

TEST_CASE("whatever callers do and lists say, each key has open what its connections have open") {
    std::uint64_t refused = 0;
    std::uint64_t expelled = 0;
    std::uint64_t repeated = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        INFO("seed " << seed);
        random_callers callers(seed);
        for (int i = 0; i < 250; ++i) callers.step();
        refused += callers.refused();
        expelled += callers.expelled();
        repeated += callers.repeated();
        callers.end();
    }
    CHECK(refused > 100);
    CHECK(expelled > 10);
    CHECK(repeated > 100);
}
