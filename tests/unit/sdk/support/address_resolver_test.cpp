// SPDX-License-Identifier: Apache-2.0
//
// Names are looked up beside everything else, also by a name server that does not answer.
#include "support/address_resolver.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/slow_name_server.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

using namespace dunlin::support;
using dunlin::tests::slow_name_server;
using namespace std::chrono_literals;

TEST_CASE("a name server that does not answer holds up its own question only") {
    const auto server = std::make_shared<slow_name_server>();
    server->know("tcp://quick:1", {"tcp://10.0.0.1:1"});
    server->know("tcp://none:1", {});
    address_resolver names(slow_name_server::lookup(server));
    std::atomic<int> slow{0};
    for (int i = 0; i < 3; ++i)
        names.ask("tcp://slow:1", [&](const auto& found) {
            CHECK(found.addresses == std::vector<std::string>{"tcp://10.0.0.2:1"});
            ++slow;
        });
    server->wait_until_asked(1);
    std::promise<address_resolver::answer> quick;
    names.ask("tcp://quick:1", [&](const auto& found) { quick.set_value(found); });
    auto answer = quick.get_future();
    REQUIRE(answer.wait_for(10s) == std::future_status::ready);
    CHECK(answer.get().addresses == std::vector<std::string>{"tcp://10.0.0.1:1"});
    std::promise<address_resolver::answer> none;
    names.ask("tcp://none:1", [&](const auto& found) { none.set_value(found); });
    auto refusal = none.get_future();
    REQUIRE(refusal.wait_for(10s) == std::future_status::ready);
    CHECK(refusal.get().problem == "no such host");
    CHECK(slow == 0);

    // One question for all who ask the same, and one answer for each of them.
    std::promise<void> told;
    names.ask("tcp://slow:1", [&](const auto&) { told.set_value(); });
    server->know("tcp://slow:1", {"tcp://10.0.0.2:1"});
    server->answer();
    REQUIRE(told.get_future().wait_for(10s) == std::future_status::ready);
    CHECK(slow == 3);
    CHECK(server->asked() == 3);
}

TEST_CASE(
    "a resolver ends at once while a name server does not answer, and tells nobody afterwards") {
    const auto server = std::make_shared<slow_name_server>();
    std::atomic<bool> told{false};
    {
        address_resolver names(slow_name_server::lookup(server));
        // More than are looked up at a time.
        for (std::size_t i = 0; i < 2 * address_resolver::threads_max; ++i)
            names.ask("tcp://slow-" + std::to_string(i) + ":1", [&](const auto&) { told = true; });
        server->wait_until_asked(address_resolver::threads_max);
    }
    server->answer();
    // Threads that were left behind come back, and find that nobody wants what they have.
    address_resolver after(slow_name_server::lookup(server));
    std::promise<void> done;
    after.ask("tcp://slow:1", [&](const auto&) { done.set_value(); });
    REQUIRE(done.get_future().wait_for(10s) == std::future_status::ready);
    CHECK_FALSE(told);
    CHECK(server->asked() <= address_resolver::threads_max + 1);
}

TEST_CASE("addresses need no name server, names do") {
    CHECK(is_numeric("tcp://127.0.0.1:7440"));
    CHECK(is_numeric("tcp://[::1]:7440"));
    CHECK(is_numeric("tcp://[fe80::1%eth0]:7440"));
    CHECK_FALSE(is_numeric("tcp://localhost:7440"));
    CHECK_FALSE(is_numeric("tcp://node-1.internal:7440"));
    std::string problem;
    CHECK(resolve("tcp://127.0.0.1:7440", problem) ==
          std::vector<std::string>{"tcp://127.0.0.1:7440"});
    CHECK(resolve("tcp://[::1]:7440", problem) == std::vector<std::string>{"tcp://[::1]:7440"});
    CHECK(problem.empty());
}
