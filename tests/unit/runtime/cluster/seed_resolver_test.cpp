// SPDX-License-Identifier: Apache-2.0
#include "runtime/cluster/seed_resolver.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/slow_name_server.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;
using dunlin::tests::slow_name_server;
using namespace std::chrono_literals;

TEST_CASE("what nodes to join have for addresses is told as it is found") {
    const auto server = std::make_shared<slow_name_server>();
    server->know("tcp://seeds:1", {"tcp://10.0.0.1:1", "tcp://10.0.0.2:1"});
    support::address_resolver names(slow_name_server::lookup(server));
    std::promise<std::vector<std::string>> found;
    std::atomic<bool> told{false};
    const seed_resolver seeds({"tcp://slow:1", "tcp://seeds:1"}, names, [&](auto addresses) {
        if (!told.exchange(true)) found.set_value(std::move(addresses));
    });
    auto addresses = found.get_future();
    REQUIRE(addresses.wait_for(10s) == std::future_status::ready);
    CHECK(addresses.get() == std::vector<std::string>{"tcp://10.0.0.1:1", "tcp://10.0.0.2:1"});
    server->answer();
}

TEST_CASE("what looks for nodes to join ends at once while a name server does not answer") {
    const auto server = std::make_shared<slow_name_server>();
    std::atomic<bool> told{false};
    {
        support::address_resolver names(slow_name_server::lookup(server));
        const seed_resolver seeds({"tcp://slow:1"}, names,
                                  [&](const std::vector<std::string>&) { told = true; });
        server->wait_until_asked(1);
    }
    server->know("tcp://slow:1", {"tcp://10.0.0.1:1"});
    server->answer();
    support::address_resolver after(slow_name_server::lookup(server));
    std::promise<void> done;
    after.ask("tcp://other:1", [&](const auto&) { done.set_value(); });
    REQUIRE(done.get_future().wait_for(10s) == std::future_status::ready);
    CHECK_FALSE(told);
}
