// SPDX-License-Identifier: Apache-2.0
//
// Calls that functions make during their own turns at a key.
#include "tests/cluster/node_harness.hpp"

#include <dunlin/client.hpp>
#include <dunlin/fields.hpp>

#include <chrono>
#include <cstdint>
#include <string>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

/// What the functions of module `visits` take; `visits/bring` has the visitor `url` visit, too.
struct page {
    std::string visitor;
    std::string url;
    DUNLIN_FIELDS(visitor, url)
};

struct visits {
    std::uint64_t count = 0;
    std::string last_page;
    DUNLIN_FIELDS(count, last_page)
};

}  // namespace

TEST_CASE("a call to the key of the turn that makes it is refused, to any other it is made") {
    using namespace std::chrono;
    auto config = node_settings();
    config.modules = {module_file("visits")};
    config.state.ephemeral = {"visitors", "counters"};
    const auto node = start_node(config);
    auto client = client::connect(node->endpoints().front());
    REQUIRE(client);

    CHECK(client->invoke<std::uint64_t>("visits/bring", page{"ann", "bob"}) == 1u);
    const auto began = steady_clock::now();
    const auto own = client->invoke<std::uint64_t>("visits/bring", page{"ann", "ann"});
    // Not at the deadline, which is what ends two that wait for each other.
    CHECK(steady_clock::now() - began < client_options{}.timeout / 2);
    REQUIRE_FALSE(own);
    CHECK(own.error().code == errc::failed);
    CHECK_THAT(own.error().detail, Catch::Contains("visits/visit did not run") &&
                                       Catch::Contains("same key of space visitors"));
    // The turn failed, so it changed nothing; and the key is free again.
    CHECK(client->invoke<visits>("visits/show", page{"ann", ""}).value().count == 1);
    CHECK(client->invoke<std::uint64_t>("visits/visit", page{"ann", "/"}) == 2u);
    CHECK(client->invoke<visits>("visits/show", page{"bob", ""}).value().count == 1);
}
