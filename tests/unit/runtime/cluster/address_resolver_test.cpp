// SPDX-License-Identifier: Apache-2.0
//
// Names are looked up beside everything else, also by a name server that does not answer.
#include "runtime/cluster/address_resolver.hpp"

#include "runtime/cluster/seed_resolver.hpp"
#include "tests/support/catch.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

using namespace dunlin::runtime;
using namespace std::chrono_literals;

namespace {

// A name server that keeps those who ask waiting until it is let go. Shared with threads that
// outlive the test.
struct slow_server {
    std::mutex mutex;
    std::condition_variable changed;
    bool answers = false;
    std::size_t asked = 0;

    void wait_until_asked(std::size_t times) {
        std::unique_lock lock(mutex);
        REQUIRE(changed.wait_for(lock, 10s, [&] { return asked >= times; }));
    }
    void answer() {
        const std::lock_guard lock(mutex);
        answers = true;
        changed.notify_all();
    }
};

address_resolver::lookup ask(const std::shared_ptr<slow_server>& server) {
    return [server](const std::string& endpoint, std::string& problem) {
        if (endpoint == "tcp://none:1") {
            problem = "no such host";
            return std::vector<std::string>{};
        }
        if (endpoint.starts_with("tcp://quick"))
            return std::vector<std::string>{"tcp://10.0.0.1:1"};
        std::unique_lock lock(server->mutex);
        ++server->asked;
        server->changed.notify_all();
        server->changed.wait(lock, [&] { return server->answers; });
        return std::vector<std::string>{"tcp://10.0.0.2:1"};
    };
}

}  // namespace

TEST_CASE("a name server that does not answer holds up its own question only") {
    const auto server = std::make_shared<slow_server>();
    address_resolver names(ask(server));
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
    server->answer();
    REQUIRE(told.get_future().wait_for(10s) == std::future_status::ready);
    CHECK(slow == 3);
    CHECK(server->asked == 1);
}

TEST_CASE(
    "a resolver ends at once while a name server does not answer, and tells nobody afterwards") {
    const auto server = std::make_shared<slow_server>();
    std::atomic<bool> told{false};
    {
        address_resolver names(ask(server));
        // More than are looked up at a time.
        for (std::size_t i = 0; i < 2 * address_resolver::threads_max; ++i)
            names.ask("tcp://slow-" + std::to_string(i) + ":1", [&](const auto&) { told = true; });
        server->wait_until_asked(address_resolver::threads_max);
        const seed_resolver seeds({"tcp://slow-0:1"}, names,
                                  [&](const std::vector<std::string>&) { told = true; });
    }
    server->answer();
    // Threads that were left behind come back, and find that nobody wants what they have.
    address_resolver after(ask(server));
    std::promise<void> done;
    after.ask("tcp://slow:1", [&](const auto&) { done.set_value(); });
    REQUIRE(done.get_future().wait_for(10s) == std::future_status::ready);
    CHECK_FALSE(told);
    CHECK(server->asked <= address_resolver::threads_max + 1);
}

TEST_CASE("addresses need no name server, names do") {
    CHECK(is_numeric("tcp://127.0.0.1:7440"));
    CHECK(is_numeric("tcp://[::1]:7440"));
    CHECK_FALSE(is_numeric("tcp://localhost:7440"));
    CHECK_FALSE(is_numeric("tcp://node-1.internal:7440"));
    std::string problem;
    CHECK(resolve("tcp://127.0.0.1:7440", problem) ==
          std::vector<std::string>{"tcp://127.0.0.1:7440"});
    CHECK(resolve("tcp://[::1]:7440", problem) == std::vector<std::string>{"tcp://[::1]:7440"});
    CHECK(problem.empty());
}
