// SPDX-License-Identifier: Apache-2.0
#include "fake_node.hpp"
#include "tests/support/catch.hpp"

#include <dunlin/client.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <type_traits>
#include <vector>

using namespace dunlin;
using dunlin::tests::connected;
using dunlin::tests::fake_node;
using namespace std::chrono_literals;

static_assert(std::is_nothrow_move_constructible_v<client>);
static_assert(!std::is_copy_constructible_v<client>);

namespace {

struct unencodable {
    int why;
};

}  // namespace

template <>
struct dunlin::codec<unencodable> {
    static void encode(writer&, const unencodable& value) {
        if (value.why == 0) throw std::runtime_error("it has no form");
        throw value.why;
    }
};

TEST_CASE("client calls a function and waits for its result") {
    fake_node node;
    auto c = connected(node, {.name = "tester"});
    CHECK(c.node() == "fake");
    CHECK(c.invoke<std::string>("t/echo", std::string("hello")).value() == "hello");
    CHECK(c.invoke<std::vector<int>>("t/echo", std::vector{1, 2, 3}).value() ==
          std::vector{1, 2, 3});
    CHECK(c.invoke<void>("t/echo", 1));
    CHECK(node.wait_for([](auto& seen) { return seen.hellos == 1; }, "a hello").client_name ==
          "tester");
    const auto stats = c.stats();
    CHECK(stats.calls == 3);
    CHECK(stats.replies == 3);
    CHECK(stats.failures == 0);
    CHECK(stats.in_flight == 0);
    CHECK(stats.frames_sent == 3);
    CHECK(stats.frames_received >= 4);
}

TEST_CASE("client calls a function without waiting, with a callback or a future") {
    fake_node node;
    auto c = connected(node);
    std::promise<result<int>> got;
    c.async_invoke<int>("t/echo", 7, {}, [&](result<int> reply) { got.set_value(reply); });
    CHECK(got.get_future().get().value() == 7);
    CHECK(c.async_invoke<std::string>("t/echo", std::string("x")).get().value() == "x");
    std::promise<result<void>> done;
    c.async_invoke<void>("t/throws", 7, {}, [&](result<void> reply) { done.set_value(reply); });
    CHECK(done.get_future().get().error().code == errc::failed);
}

TEST_CASE("client hands large payloads through unchanged") {
    fake_node node;
    auto c = connected(node);
    const auto size = GENERATE(0u, 1u, 100u, 8'000u, 70'000u, 3'000'000u);
    std::string text(size, 'a');
    for (std::size_t i = 0; i < size; i += 97) text[i] = static_cast<char>('a' + i % 26);
    const auto echoed = c.invoke<bytes>("t/echo", bytes(text));
    REQUIRE(echoed);
    CHECK(as_text(*echoed) == text);
}

TEST_CASE("client results outlive the client") {
    fake_node node;
    result<bytes> kept;
    {
        auto c = connected(node);
        kept = c.invoke<bytes>("t/echo", bytes("still here"));
    }
    CHECK(as_text(kept.value()) == "still here");
}

TEST_CASE("client passes on what the function or the node answered instead of a value") {
    fake_node node;
    auto c = connected(node);
    CHECK(c.invoke<int>("t/throws", 1).error() == error{errc::failed, "boom"});
    auto shed = c.invoke<int>("t/sheds", 1).error();
    CHECK(shed.retry_after >= 1500us);  // with jitter
    CHECK(shed.retry_after <= 2250us);
    shed.retry_after = {};
    CHECK(shed == error{errc::overloaded, "queue full"});
    CHECK(c.invoke<int>("t/newer", 1).error() == error{errc::unknown, "of a newer node"});
    const auto misfit = c.invoke<std::string>("t/echo", 1);
    REQUIRE_FALSE(misfit);
    CHECK(misfit.error().code == errc::failed);
}

TEST_CASE("client tells of a call that paid for a cold start, however it was made") {
    fake_node node;
    auto c = connected(node);
    call_info info;
    CHECK(c.invoke<int>("t/cold", 1, {.info = &info}).value() == 1);
    CHECK(info.cold_start);
    CHECK(c.invoke<int>("t/echo", 2, {.info = &info}).value() == 2);
    CHECK_FALSE(info.cold_start);  // it was reset
    CHECK(c.invoke<int>("t/cold", 3).value() == 3);

    std::promise<bool> told;
    c.async_invoke<int>("t/cold", 4, {.info = &info},
                        [&](const result<int>&) { told.set_value(info.cold_start); });
    CHECK(told.get_future().get());
    std::vector<call_info> each(100);
    std::vector<std::future<result<int>>> many;
    for (std::size_t i = 0; i < each.size(); ++i)
        many.push_back(c.async_invoke<int>(i % 3 == 0 ? "t/cold" : "t/echo", static_cast<int>(i),
                                           {.info = &each[i]}));
    for (std::size_t i = 0; i < each.size(); ++i) {
        REQUIRE(many[i].get().value() == static_cast<int>(i));
        REQUIRE(each[i].cold_start == (i % 3 == 0));
    }
    CHECK(c.stats().cold_starts == 3 + 34);
    // Of an error nothing is told, nor of a call that is not even sent.
    info.cold_start = true;
    CHECK_FALSE(c.invoke<int>("t/cold_and_throws", 1, {.info = &info}));
    CHECK_FALSE(info.cold_start);
    info.cold_start = true;
    CHECK_FALSE(c.invoke<int>("no name", 1, {.info = &info}));
    CHECK_FALSE(info.cold_start);
    CHECK(c.stats().cold_starts == 3 + 34);
}

TEST_CASE("client ignores answers to unknown calls and answers that come twice") {
    fake_node node;
    auto c = connected(node);
    for (int i = 0; i < 50; ++i) REQUIRE(c.invoke<int>("t/strays", i).value() == i);
    std::atomic<int> answers{0};
    std::promise<void> last;
    for (int i = 0; i < 50; ++i) {
        c.async_invoke<int>("t/strays", i, {}, [&, i](result<int> reply) {
            if (reply && *reply == i && ++answers == 50) last.set_value();
        });
    }
    last.get_future().wait();
    CHECK(c.invoke<int>("t/echo", 1).value() == 1);
    CHECK(answers == 50);
}

TEST_CASE("client answers at the deadline when the node does not") {
    fake_node node;
    auto c = connected(node);
    const auto begin = std::chrono::steady_clock::now();
    const auto late = c.invoke<int>("t/hold", 1, {.timeout = 20ms});
    CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    CHECK(late.error() == error{errc::deadline_exceeded, "no answer from t/hold within 20 ms"});
    CHECK(c.async_invoke<int>("t/hold", 1, {.timeout = 1500us}).get().error().detail ==
          "no answer from t/hold within 1.5 ms");
    // The node's late answers find nobody, and nothing is wrong afterwards.
    node.wait_for_held(2);
    node.answer_held();
    CHECK(c.invoke<int>("t/echo", 5).value() == 5);
    CHECK(c.stats().failures == 2);
}

TEST_CASE("client uses its own timeout for calls that name none") {
    fake_node node;
    auto c = connected(node, {.timeout = 15ms});
    CHECK(c.invoke<int>("t/hold", 1).error().detail == "no answer from t/hold within 15 ms");
}

TEST_CASE("client does not send a call whose deadline has passed") {
    fake_node node;
    auto c = connected(node);
    CHECK(c.invoke<int>("t/echo", 1, {.timeout = -1us}).error() ==
          error{errc::deadline_exceeded, "t/echo did not run: its deadline had passed already"});
}

TEST_CASE("client refuses names that no function can have") {
    fake_node node;
    auto c = connected(node);
    CHECK(c.invoke<int>("echo", 1).error().code == errc::invalid_argument);
    bool answered = false;
    const auto ticket = c.async_invoke<int>("", 1, {}, [&](result<int> reply) {
        answered = reply.error().code == errc::invalid_argument;
    });
    CHECK(answered);
    CHECK(ticket.id == 0);
}

TEST_CASE("client refuses a payload over the node's limit and goes on") {
    fake_node node({.payload_bytes_max = 1000});
    auto c = connected(node);
    const auto refused = c.invoke<bytes>("t/echo", bytes(std::string(2000, 'x')));
    CHECK(refused.error() ==
          error{errc::invalid_argument, "payload of 2003 bytes exceeds the node's limit of 1000"});
    CHECK(c.invoke<bytes>("t/echo", bytes(std::string(900, 'x'))).value().size() == 900);
    CHECK(c.stats().in_flight == 0);
}

TEST_CASE("client answers a call whose input cannot be encoded") {
    fake_node node;
    auto c = connected(node);
    CHECK(c.invoke<int>("t/echo", unencodable{0}).error() ==
          error{errc::invalid_argument, "cannot encode the input of t/echo: it has no form"});
    CHECK(c.invoke<int>("t/echo", unencodable{1}).error().code == errc::invalid_argument);
    CHECK(c.invoke<int>("t/echo", 3).value() == 3);
}

TEST_CASE("client answers overloaded at once when too many calls are in flight") {
    fake_node node;
    auto c = connected(node, {.in_flight_max = 3});
    std::vector<std::future<result<int>>> held;
    for (int i = 0; i < 3; ++i) held.push_back(c.async_invoke<int>("t/hold", i));
    const error expected{errc::overloaded,
                         "this client has its limit of 3 calls in flight already"};
    CHECK(c.invoke<int>("t/echo", 1).error() == expected);
    CHECK(c.async_invoke<int>("t/echo", 1).get().error() == expected);
    node.wait_for_held(3);
    node.answer_held();
    for (int i = 0; i < 3; ++i) CHECK(held[static_cast<std::size_t>(i)].get().value() == i);
    CHECK(c.invoke<int>("t/echo", 1).value() == 1);
}

TEST_CASE("client keeps to the node's limit of calls in flight") {
    fake_node node({.in_flight_max = 2});
    auto c = connected(node);
    auto one = c.async_invoke<int>("t/hold", 1);
    auto two = c.async_invoke<int>("t/hold", 2);
    CHECK(c.invoke<int>("t/echo", 1).error().code == errc::overloaded);
    node.wait_for_held(2);
    node.answer_held();
    CHECK(one.get().value() + two.get().value() == 3);
}

TEST_CASE("client cancels a call once, and tells the node") {
    fake_node node;
    auto c = connected(node);
    std::promise<result<int>> got;
    const auto ticket =
        c.async_invoke<int>("t/hold", 1, {}, [&](result<int> reply) { got.set_value(reply); });
    node.wait_for_held(1);
    c.cancel(ticket);
    CHECK(got.get_future().get().error() ==
          error{errc::cancelled, "t/hold was cancelled by its caller"});
    c.cancel(ticket);
    c.cancel({});
    node.wait_for([](auto& seen) { return seen.cancels == 1; }, "a cancel");
    node.answer_held();
    CHECK(c.invoke<int>("t/echo", 1).value() == 1);
}

TEST_CASE("client answers pings") {
    fake_node node;
    auto c = connected(node);
    auto held = c.async_invoke<int>("t/hold", 1);
    const auto peer = node.wait_for_held(1).calls[0].peer;
    node.tell(peer, wire::ping{99});
    node.wait_for([](auto& seen) { return seen.pongs == 1; }, "a pong");
    node.answer_held();
    CHECK(held.get());
}

TEST_CASE("client answers everything in flight when it is destroyed, and says bye") {
    fake_node node;
    std::atomic<int> cancelled{0};
    {
        auto c = connected(node);
        for (int i = 0; i < 100; ++i) {
            c.async_invoke<int>("t/hold", i, {}, [&](result<int> reply) {
                if (reply.error().code == errc::cancelled) ++cancelled;
            });
        }
        node.wait_for_held(50);
    }
    CHECK(cancelled == 100);
    node.wait_for([](auto& seen) { return seen.byes == 1; }, "a bye");
}

TEST_CASE("client refuses options that make no sense") {
    const auto complaint = [](client_options options) {
        const auto refused = client::connect(std::move(options));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::invalid_argument);
        return refused.error().detail;
    };
    CHECK(complaint({.endpoints = {"localhost:7440"}}).find("localhost:7440") != std::string::npos);
    CHECK(complaint({.endpoints = {}}) ==
          "no endpoint to connect to; name at least one, as in tcp://127.0.0.1:7440");
    CHECK(complaint({.timeout = 0s}) == "client_options::timeout must be positive");
    CHECK(complaint({.in_flight_max = 0}) == "client_options::in_flight_max must be at least 1");
    CHECK(complaint({.name = std::string(300, 'n')}) ==
          "client_options::name has 300 bytes, the most is 255");
}
