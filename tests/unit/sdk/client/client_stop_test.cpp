// SPDX-License-Identifier: Apache-2.0
//
// Calls that are withdrawn by a stop token.
#include "fake_node.hpp"
#include "tests/support/catch.hpp"

#include <dunlin/client.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <stop_token>
#include <thread>
#include <vector>

using namespace dunlin;
using dunlin::tests::connected;
using dunlin::tests::fake_node;
using namespace std::chrono_literals;

namespace {

const error withdrawn{errc::cancelled, "t/hold was cancelled by its caller"};

void wait_for_cancels(fake_node& node, std::size_t count) {
    node.wait_for([count](auto& seen) { return seen.cancels == count; }, "the node hears of it");
}

}  // namespace

TEST_CASE("client calls a function without an input") {
    fake_node node;
    auto c = connected(node);
    CHECK(c.invoke<std::nullptr_t>("t/echo"));
    CHECK(c.invoke<std::nullptr_t>("t/echo", {.timeout = 10s}));
    const call_options options{.timeout = 10s};
    CHECK(c.invoke<void>("t/echo", options));
    CHECK(c.async_invoke<std::nullptr_t>("t/echo").get());
}

TEST_CASE("a stop withdraws a call that a thread waits in, whether it drives or follows") {
    fake_node node;
    auto c = connected(node);
    std::stop_source stop;
    const auto hold = [&](int i) { return c.invoke<int>("t/hold", i, {.stop = stop.get_token()}); };
    auto leads = std::async(std::launch::async, hold, 1);
    node.wait_for_held(1);
    auto follows = std::async(std::launch::async, hold, 2);
    node.wait_for_held(2);
    stop.request_stop();
    CHECK(leads.get().error() == withdrawn);
    CHECK(follows.get().error() == withdrawn);
    wait_for_cancels(node, 2);
    CHECK(c.invoke<int>("t/echo", 3).value() == 3);
    CHECK(c.stats().in_flight == 0);
}

TEST_CASE("a stop withdraws the call behind a future, and one with a callback") {
    fake_node node;
    auto c = connected(node);
    std::stop_source stop;
    auto future = c.async_invoke<int>("t/hold", 1, {.stop = stop.get_token()});
    std::promise<result<int>> called;
    c.async_invoke<int>("t/hold", 2, {.stop = stop.get_token()},
                        [&](result<int> reply) { called.set_value(std::move(reply)); });
    auto stays = c.async_invoke<int>("t/hold", 3);
    node.wait_for_held(3);
    stop.request_stop();
    CHECK(future.get().error() == withdrawn);
    CHECK(called.get_future().get().error() == withdrawn);
    wait_for_cancels(node, 2);
    CHECK(c.stats().in_flight == 1);
}

TEST_CASE("a call whose token is stopped already is not sent") {
    fake_node node;
    auto c = connected(node);
    std::stop_source stop;
    stop.request_stop();
    const error unsent{errc::cancelled,
                       "t/echo did not run: its caller stopped before it was sent"};
    CHECK(c.invoke<int>("t/echo", 1, {.stop = stop.get_token()}).error() == unsent);
    CHECK(c.async_invoke<int>("t/echo", 1, {.stop = stop.get_token()}).get().error() == unsent);
    CHECK(c.invoke<int>("t/echo", 2).value() == 2);
    node.wait_for([](auto& seen) { return seen.invokes == 1; }, "the one call");
}

TEST_CASE("a stop after the answer changes nothing, and may come from a callback") {
    fake_node node;
    auto c = connected(node);
    std::stop_source stop;
    CHECK(c.invoke<int>("t/echo", 1, {.stop = stop.get_token()}).value() == 1);
    auto held = c.async_invoke<int>("t/hold", 2, {.stop = stop.get_token()});
    node.wait_for_held(1);
    std::promise<int> answered;
    c.async_invoke<int>("t/echo", 3, {.stop = stop.get_token()}, [&](result<int> reply) {
        stop.request_stop();  // of this call as well, and of one that is held
        answered.set_value(reply.value());
    });
    CHECK(answered.get_future().get() == 3);
    CHECK(held.get().error() == withdrawn);
    wait_for_cancels(node, 1);
}

TEST_CASE("stops that cross answers leave each call with one end") {
    fake_node node;
    auto c = connected(node);
    std::atomic<int> answered{0};
    std::atomic<int> cancelled{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 100; ++i) {
                std::stop_source stop;
                std::thread stopper([&] { stop.request_stop(); });
                const auto reply =
                    t % 2 == 0 ? c.invoke<int>("t/echo", i, {.stop = stop.get_token()})
                               : c.async_invoke<int>("t/echo", i, {.stop = stop.get_token()}).get();
                ++(reply ? answered : cancelled);
                if (!reply && reply.error().code != errc::cancelled) cancelled = -1000;
                stopper.join();
            }
        });
    }
    for (auto& each : threads) each.join();
    CHECK(answered + cancelled == 400);
    CHECK(c.stats().in_flight == 0);
}

TEST_CASE("a client that is destroyed lets go of the tokens of its calls") {
    fake_node node;
    std::stop_source stop;
    std::future<result<int>> held;
    {
        auto c = connected(node);
        held = c.async_invoke<int>("t/hold", 1, {.stop = stop.get_token()});
        node.wait_for_held(1);
    }
    CHECK(held.get().error().code == errc::cancelled);
    stop.request_stop();  // of a call and a client that are no more
}
