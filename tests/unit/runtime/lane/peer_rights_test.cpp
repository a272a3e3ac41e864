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
    const int known = 0;
    peer_rights rights;
    rights.set(text);
    CHECK(rights.may_call("text/count", &known));
    CHECK(rights.may_call("text/count", &known));
    CHECK(rights.may_call("not asked again", &known));
    CHECK(rights.may_call("text/unknown", nullptr));
    CHECK_FALSE(rights.may_call("secret/unknown", nullptr));
    rights.set(nothing);
    CHECK_FALSE(rights.may_call("text/count", &known));
}

TEST_CASE("origins of clients are sealed, those that nodes pass on are not") {
    peer plain;
    CHECK(plain.origin_of(7) == 7);
    peer client;
    client.rights = std::make_unique<peer_rights>();
    client.rights->origin_told = 7;
    client.rights->origin_sealed = 4711;
    CHECK(client.origin_of(7) == 4711);
    CHECK(client.origin_of(0) == 0);
    client.role = wire::peer_role::node;
    CHECK(client.origin_of(7) == 7);
}
