// SPDX-License-Identifier: Apache-2.0
#include "fake_node.hpp"
#include "tests/support/catch.hpp"

#include <dunlin/client.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace dunlin;
using dunlin::tests::connected;
using dunlin::tests::echo_in_window;
using dunlin::tests::fake_node;
using namespace std::chrono_literals;

TEST_CASE("client serves many threads that wait, each driving when no other does") {
    fake_node node;
    auto c = connected(node);
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 300; ++i) {
                const auto reply = c.invoke<int>("t/echo", t * 1000 + i);
                if (reply && *reply == t * 1000 + i) ++right;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(right == 8 * 300);
    CHECK(c.stats().in_flight == 0);
}

TEST_CASE("client mixes threads that wait with calls that do not") {
    fake_node node;
    auto c = connected(node);
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 200; ++i) {
                if (c.invoke<int>("t/echo", i)) ++right;
            }
        });
        threads.emplace_back([&] {
            std::vector<std::future<result<int>>> replies;
            for (int i = 0; i < 500; ++i) replies.push_back(c.async_invoke<int>("t/echo", i));
            for (auto& reply : replies) {
                if (reply.get()) ++right;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(right == 3 * 700);
}

TEST_CASE("client lets callbacks start calls, and cancel them") {
    fake_node node;
    auto c = connected(node);
    struct chain {
        client& c;
        int left;
        std::promise<void> done{};
        void next() {
            c.async_invoke<int>("t/echo", left, {}, [this](result<int> reply) {
                if (!reply || *reply != left) return done.set_value();
                if (--left == 0) return done.set_value();
                const auto unwanted =
                    c.async_invoke<int>("t/hold", 0, {}, [](const result<int>&) {});
                c.cancel(unwanted);
                next();
            });
        }
    };
    chain run{c, 500};
    run.next();
    run.done.get_future().wait();
    CHECK(run.left == 0);
    CHECK(c.invoke<int>("t/echo", 1).value() == 1);
    CHECK(c.stats().in_flight == 0);
}

TEST_CASE("client keeps a window of calls full from its callbacks") {
    fake_node node;
    auto c = connected(node, {.in_flight_max = 512});
    constexpr int calls = 20'000;
    CHECK(echo_in_window(c, 512, calls) == calls);
    const auto stats = c.stats();
    CHECK(stats.replies == calls);
    CHECK(stats.frames_sent < calls / 4);  // they share frames
}

TEST_CASE("client refuses to wait inside a callback, which would wait for itself") {
    fake_node node;
    auto c = connected(node);
    std::promise<errc> got;
    c.async_invoke<int>("t/echo", 1, {}, [&](const result<int>&) {
        got.set_value(c.invoke<int>("t/echo", 1).error().code);
    });
    CHECK(got.get_future().get() == errc::invalid_argument);
}

TEST_CASE("client's waiting thread keeps its own deadline while another thread is kept busy") {
    fake_node node;
    auto c = connected(node);
    std::promise<void> busy;
    std::promise<void> release;
    c.async_invoke<int>("t/echo", 1, {}, [&](const result<int>&) {
        busy.set_value();
        release.get_future().wait();
    });
    busy.get_future().wait();
    const auto late = c.invoke<int>("t/echo", 1, {.timeout = 10ms});
    CHECK(late.error() == error{errc::deadline_exceeded, "no answer from t/echo within 10 ms"});
    release.set_value();
    CHECK(c.invoke<int>("t/echo", 1).value() == 1);
}

TEST_CASE("client answers calls that are started while it is destroyed") {
    fake_node node;
    std::atomic<int> cancelled{0};
    {
        auto c = std::make_unique<client>(connected(node));
        auto* raw = c.get();
        for (int i = 0; i < 10; ++i) {
            c->async_invoke<int>("t/hold", i, {}, [&, raw](result<int> reply) {
                if (reply.error().code == errc::cancelled) ++cancelled;
                raw->async_invoke<int>("t/echo", 1, {}, [&](result<int> again) {
                    if (again.error().code == errc::cancelled) ++cancelled;
                });
            });
        }
        node.wait_for_held(10);
        c.reset();
    }
    CHECK(cancelled == 20);
}
