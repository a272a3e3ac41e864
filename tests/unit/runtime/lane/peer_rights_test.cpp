// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/peer_rights.hpp"

#include "runtime/lane/peer.hpp"
#include "tests/support/catch.hpp"

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

grant client_of(std::string_view pattern) {
    grant made;
    made.name = "shop";
    made.functions = {*function_pattern::parse(pattern)};
    return made;
}

}  // namespace

TEST_CASE("what a peer may call is kept until its rights change") {
    const auto text = client_of("text/*");
    const auto nothing = client_of("other/*");
    peer_rights rights("key");
    rights.set(text);
    for (int i = 0; i < 2; ++i) {
        CHECK(rights.may_call("text/count"));
        CHECK_FALSE(rights.may_call("secret/count"));
    }
    rights.set(nothing);
    CHECK_FALSE(rights.may_call("text/count"));
}

TEST_CASE("a peer that makes up names is judged as rightly as one that does not") {
    const auto text = client_of("text/*");
    peer_rights rights("key");
    rights.set(text);
    for (int i = 0; i < 2000; ++i) {
        CHECK(rights.may_call("text/" + std::to_string(i)));
        CHECK_FALSE(rights.may_call("secret/" + std::to_string(i)));
    }
}

TEST_CASE("origins of clients are sealed, those that nodes pass on are not") {
    peer plain;
    CHECK(plain.origin_of(7) == 7);
    peer client;
    client.rights = std::make_unique<peer_rights>("key");
    client.rights->origin_told = 7;
    client.rights->origin_sealed = 4711;
    CHECK(client.origin_of(7) == 4711);
    CHECK(client.origin_of(0) == 0);
    client.role = wire::peer_role::node;
    CHECK(client.origin_of(7) == 7);
}
