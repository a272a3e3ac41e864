// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/authorizer.hpp"

#include "tests/unit/runtime/lane/outlet_parts.hpp"

#include <string>
#include <utility>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

std::string key_of(char digit) { return std::string(security::key_characters, digit); }

std::string entry(const std::string& name, char digit, const std::string& lines) {
    return "[[allow]]\nname = \"" + name + "\"\nkey = \"" + key_of(digit) + "\"\n" + lines + "\n";
}

allow_list list_of(const std::string& text) {
    auto list = allow_list::parse(text, "allow.toml");
    REQUIRE(list);
    return std::move(*list);
}

const std::string shop = entry("shop", '1', "functions = [\"text/*\"]");
const std::string desk = entry("desk", '2', "role = \"operator\"");

/// A node whose key is of sevens, and who is asked.
struct guarded : outlet_parts {
    std::shared_ptr<const cluster_view> view;
    node_security security{{"n1", key_of('7'), security::secret_text(key_of('8'))},
                           std::nullopt,
                           list_of(shop + desk)};
    authorizer guard{security, 4711, view, out, counters, now_ns};

    peer& connect(char digit, wire::peer_role role = wire::peer_role::client) {
        const std::string key = key_of(digit);
        wire::hello hello;
        hello.role = role;
        auto rights = guard.rights_of(hello, key);
        REQUIRE(rights);
        auto& added = out.peers().add(key);
        added.name = key;
        added.role = role;
        added.rights = std::move(*rights);
        return added;
    }
    bool may_call(peer& from, std::string_view function, std::uint64_t origin = 0,
                  std::uint64_t flags = 0) {
        one_frame frame(budget);
        wire::invoke call;
        call.id = 1;
        call.function = function;
        call.origin = origin;
        call.flags = static_cast<decltype(call.flags)>(flags);
        return guard.may_call(from, call, frame.into);
    }
    /// What the peer is told next.
    static std::string told(peer& who) {
        wire::frame_reader reader(who.out.view());
        if (reader.next() != wire::read_status::envelope) return "";
        CHECK(reader.kind() == wire::kind::failure);
        std::string text(reader.failure().detail);
        who.out.clear();
        return text;
    }
};

}  // namespace

TEST_CASE("a key may call what its patterns name, and is told why it may not call the rest") {
    guarded at;
    auto& client = at.connect('1');
    CHECK(at.may_call(client, "text/count"));
    CHECK(client.out.empty());
    CHECK_FALSE(at.may_call(client, "secret/count"));
    CHECK_THAT(guarded::told(client), Catch::Contains("\"shop\" may not call secret/count"));
    CHECK(at.counters.permission_denied.get() == 1);
    auto& another = at.connect('7', wire::peer_role::node);
    CHECK(at.may_call(another, "secret/count", 99, wire::invoke_flags::forwarded));
}

TEST_CASE("only a node may send on calls, and a client has one origin, which is not a node's") {
    guarded at;
    auto& client = at.connect('1');
    CHECK_FALSE(at.may_call(client, "text/count", 0, wire::invoke_flags::forwarded));
    CHECK_THAT(guarded::told(client),
               Catch::Contains("may not send a call that a node has sent on"));
    CHECK_FALSE(at.may_call(client, "text/count", 4711));  // this node's
    auto seen = std::make_shared<cluster_view>();
    seen->members.emplace_back().instance = 815;
    at.view = seen;
    CHECK_FALSE(at.may_call(client, "text/count", 815));  // another's
    CHECK(at.may_call(client, "text/count", 5));
    CHECK(client.rights->origin_sealed != 5);
    CHECK(at.may_call(client, "text/count", 5));
    CHECK_FALSE(at.may_call(client, "text/count", 6));
    CHECK(at.counters.impostors.get() == 4);
}

TEST_CASE("a key that is not allowed is refused, and a client's key that says it is a node's") {
    guarded at;
    wire::hello hello;
    CHECK(at.guard.rights_of(hello, key_of('9')).error().code == errc::unauthenticated);
    hello.role = wire::peer_role::node;
    CHECK_THAT(at.guard.rights_of(hello, key_of('1')).error().detail,
               Catch::Contains("\"shop\" is a client's"));
    CHECK(at.guard.rights_of(hello, key_of('7')));
    auto& client = at.connect('1');
    CHECK_FALSE(at.guard.is_another(client, key_of('1')));
    CHECK(at.guard.is_another(client, key_of('2')));
}

TEST_CASE("when the list has changed, peers that are there have other rights, or none any more") {
    guarded at;
    auto& client = at.connect('1');
    auto& operators = at.connect('2');
    CHECK_FALSE(at.guard.outdated());
    CHECK_FALSE(at.guard.renew());
    at.security.board.put(std::make_shared<const runtime::access>(
        key_of('7'), "n1", list_of(entry("shop", '1', "functions = [\"other/*\"]"))));
    CHECK(at.guard.outdated());
    const auto before = at.guard.renew();
    REQUIRE(before);
    CHECK_FALSE(at.guard.outdated());
    CHECK(at.guard.renew(client));
    CHECK_FALSE(at.guard.renew(operators));
    CHECK(at.may_call(client, "other/count"));
    CHECK_FALSE(at.may_call(client, "text/count"));
}

TEST_CASE("links to other nodes use this node's key, and those of further nodes in the list") {
    guarded at;
    CHECK(at.guard.node_keys().size() == 1);
    at.security.board.put(std::make_shared<const runtime::access>(
        key_of('7'), "n1", list_of(shop + entry("next", '3', "role = \"node\""))));
    REQUIRE(at.guard.renew());
    const auto keys = at.guard.node_keys();
    REQUIRE(keys.size() == 2);
    CHECK(keys[1]->node_public_key == key_of('3'));
}
