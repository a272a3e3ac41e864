// SPDX-License-Identifier: Apache-2.0
//
// Clients of nodes whose hosts have names, at a name server that may not answer.
#include "client/driver.hpp"
#include "fake_cluster.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/slow_name_server.hpp"

#include <dunlin/client.hpp>
#include <dunlin/codec.hpp>

#include <chrono>
#include <memory>
#include <string>

using namespace dunlin;
using namespace dunlin::tests;
using namespace std::chrono_literals;

namespace {

std::string port_of(const fake_node& node) {
    return node.endpoint().substr(node.endpoint().rfind(':'));
}

result<bytes> echo(link::driver& engine, const call_options& options = {}) {
    const int value = 1;
    const link::request what{
        "t/echo",
        [](dunlin_buffer& to, const void* in) { encode(to, *static_cast<const int*>(in)); }, &value,
        options};
    return engine.call_and_wait(what);
}

}  // namespace

TEST_CASE("client calls a node, and ends, while no name server answers for another's host") {
    const auto server = std::make_shared<slow_name_server>();
    fake_node first({.name = "n1", .cluster = "fakes", .instance = 101});
    first.tell_members(1, {first.as_member(), {102, "n2", "tcp://n2.test:7440"}});
    {
        link::driver engine({.endpoints = {first.endpoint()}, .timeout = 20s}, nullptr,
                            slow_name_server::lookup(server));
        engine.start();
        REQUIRE(engine.wait_connected());
        REQUIRE(echo(engine));
        server->wait_until_asked(1);
        for (int i = 0; i < 100; ++i) REQUIRE(echo(engine));
        CHECK(engine.stats().nodes == 1);
    }
    CHECK(server->asked() == 1);  // and it has not answered
    server->answer();
}

TEST_CASE("client connects to a member when the name server has answered for its host") {
    const auto server = std::make_shared<slow_name_server>();
    fake_node first({.name = "n1", .cluster = "fakes", .instance = 101});
    fake_node second({.name = "n2", .cluster = "fakes", .instance = 102});
    first.tell_members(1, {first.as_member(), {102, "n2", "tcp://n2.test" + port_of(second)}});
    link::driver engine({.endpoints = {first.endpoint()}, .timeout = 20s}, nullptr,
                        slow_name_server::lookup(server));
    engine.start();
    REQUIRE(engine.wait_connected());
    server->wait_until_asked(1);
    server->know("tcp://n2.test:0", {"tcp://127.0.0.1:0"});
    server->answer();
    wait_until([&] { return engine.stats().nodes == 2; }, "it does not connect to the other node");
    CHECK(echo(engine));
}

TEST_CASE("client tries one address of a name after the other") {
    const auto server = std::make_shared<slow_name_server>();
    const fake_node node;
    server->know("tcp://n1.test:0", {"tcp://127.0.0.2:0", "tcp://127.0.0.1:0"});
    link::driver engine(
        {.endpoints = {"tcp://n1.test" + port_of(node)}, .timeout = 20s, .connect_timeout = 20s},
        nullptr, slow_name_server::lookup(server));
    engine.start();
    REQUIRE(engine.wait_connected());
    CHECK(echo(engine));
    CHECK(server->asked() == 1);
}

TEST_CASE("client says in time that no name server has answered") {
    const auto server = std::make_shared<slow_name_server>();
    {
        link::driver engine({.endpoints = {"tcp://n1.test:7440"}, .connect_timeout = 600ms},
                            nullptr, slow_name_server::lookup(server));
        engine.start();
        const auto refused = engine.wait_connected();
        REQUIRE_FALSE(refused);
        CHECK(refused.error() ==
              error{errc::unavailable,
                    "no node answered at tcp://n1.test:7440 within 600 ms; last: "
                    "tcp://n1.test:7440: the name server has not answered for its host yet"});
        // A call while it is looked up has its own deadline.
        CHECK(echo(engine, {.timeout = 30ms}).error().code == errc::unavailable);
    }
    server->answer();
}

TEST_CASE("client says that a host has no address, and finds the next node") {
    const auto server = std::make_shared<slow_name_server>();
    server->know("tcp://none.test:0", {});
    link::driver lost({.endpoints = {"tcp://none.test:7440"}, .connect_timeout = 600ms}, nullptr,
                      slow_name_server::lookup(server));
    lost.start();
    const auto refused = lost.wait_connected();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail ==
          "no node answered at tcp://none.test:7440 within 600 ms; last: tcp://none.test:7440: its "
          "host has no address: no such host");
    const fake_node node;
    link::driver engine({.endpoints = {"tcp://none.test:7440", node.endpoint()}, .timeout = 20s},
                        nullptr, slow_name_server::lookup(server));
    engine.start();
    REQUIRE(engine.wait_connected());
    CHECK(echo(engine));
}

TEST_CASE("client finds a node at localhost") {
    const fake_node node;
    auto c = client::connect(client_options{
        .endpoints = {"tcp://localhost" + port_of(node)}, .timeout = 20s, .connect_timeout = 20s});
    REQUIRE(c);
    CHECK(c->invoke<int>("t/echo", 1).value() == 1);
}
