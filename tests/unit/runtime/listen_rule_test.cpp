// SPDX-License-Identifier: Apache-2.0
#include "runtime/listen_rule.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <utility>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

result<void> check(std::string listen, bool insecure = false) {
    node_config config;
    config.listen = std::move(listen);
    config.insecure = insecure;
    return check_listen(config);
}

}  // namespace

TEST_CASE("a node's name fits into the handshake") {
    node_config config;
    config.name = std::string(255, 'n');
    CHECK(check_listen(config));
    config.name += 'n';
    const auto checked = check_listen(config);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().detail == "a name has at most 255 bytes, this one has 256");
}

TEST_CASE("a name that cannot stand in a line is refused") {
    node_config config;
    for (auto* name : {&config.name, &config.cluster, &config.advertise}) {
        for (const auto* bad : {"a\nb", "a\x1b[2J", "a\xff", "a\xe2\x80\xa8", "a\x7f"}) {
            const auto before = std::exchange(*name, bad);
            const auto refused = check_listen(config);
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code == errc::invalid_argument);
            CHECK(refused.error().detail.find("cannot stand in a line") != std::string::npos);
            *name = before;
        }
        const auto before = std::exchange(*name, "gr\xc3\xbc\xc3\x9f e");
        CHECK(check_listen(config));
        *name = before;
    }
}

TEST_CASE("loopback is what only this machine can reach") {
    CHECK(is_loopback("tcp://127.0.0.1:7440"));
    CHECK(is_loopback("tcp://127.8.9.10:0"));
    CHECK(is_loopback("tcp://localhost:7440"));
    CHECK(is_loopback("tcp://[::1]:7440"));
    CHECK_FALSE(is_loopback("tcp://0.0.0.0:7440"));
    CHECK_FALSE(is_loopback("tcp://*:7440"));
    CHECK_FALSE(is_loopback("tcp://192.168.1.7:7440"));
    CHECK_FALSE(is_loopback("tcp://[::]:7440"));
    CHECK_FALSE(is_loopback("ipc:///tmp/x"));
}

TEST_CASE("a name that only begins like a loopback address is not loopback") {
    CHECK_FALSE(is_loopback("tcp://127.0.0.1.example.com:7440"));
    CHECK_FALSE(is_loopback("tcp://127.example.com:7440"));
    CHECK_FALSE(is_loopback("tcp://127.0.0.1;10.0.0.1:7440"));
}

TEST_CASE("a node listens on loopback without being asked twice") {
    CHECK(check("tcp://127.0.0.1:7440"));
    CHECK(check("tcp://127.0.0.1:0"));
    CHECK(check("tcp://127.0.0.1:*"));
}

TEST_CASE("listening beyond loopback is refused unless it is meant") {
    const auto refused = check("tcp://0.0.0.0:7440");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail ==
          "listening on tcp://0.0.0.0:7440 would let anyone who reaches that port call every "
          "function; give the node a key (--key, `dunlin keygen` makes one), use a loopback "
          "address, or --insecure if the network around this node is trusted");
    CHECK(check("tcp://0.0.0.0:7440", true));
    node_config with_key;
    with_key.listen = "tcp://0.0.0.0:7440";
    with_key.key = "node.key";
    CHECK(check_listen(with_key));
}

TEST_CASE("what is not an endpoint is refused with an example of one") {
    for (const auto* bad : {"", "127.0.0.1:7440", "tcp://", "tcp://127.0.0.1", "tcp://:7440",
                            "tcp://127.0.0.1:", "tcp://127.0.0.1:port", "tcp://127.0.0.1:70000",
                            "udp://127.0.0.1:7440", "tcp://127.0.0.1:-1"}) {
        INFO(bad);
        const auto refused = check(bad, true);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::invalid_argument);
        CHECK(refused.error().detail == "cannot listen on \"" + std::string(bad) +
                                            "\": an endpoint looks like tcp://127.0.0.1:7440");
    }
}
