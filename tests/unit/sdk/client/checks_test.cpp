// SPDX-License-Identifier: Apache-2.0
#include "client/checks.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace dunlin;
using namespace dunlin::link;
using namespace std::chrono_literals;

TEST_CASE("endpoints that name host and port are accepted") {
    const auto* endpoint = GENERATE("tcp://127.0.0.1:7440", "tcp://localhost:1",
                                    "tcp://node-1.example.org:65535", "tcp://[::1]:7440");
    CHECK(check_endpoint(endpoint));
}

TEST_CASE("endpoints that are none are refused with the reason") {
    const auto [endpoint, reason] = GENERATE(table<std::string, std::string>({
        {"", "does not begin with tcp://"},
        {"127.0.0.1:7440", "does not begin with tcp://"},
        {"ipc:///tmp/x", "does not begin with tcp://"},
        {"tcp://127.0.0.1", "has no port"},
        {"tcp://[::1]", "has no port"},
        {"tcp://:7440", "has no host"},
        {"tcp://*:7440", "has no host"},
        {"tcp://::1:7440", "has an IPv6 address without brackets"},
        {"tcp://a b:7440", "has a character that no host has"},
        {"tcp://host:", "has no port from 1 to 65535"},
        {"tcp://host:0", "has no port from 1 to 65535"},
        {"tcp://host:65536", "has no port from 1 to 65535"},
        {"tcp://host:74x", "has no port from 1 to 65535"},
    }));
    const auto checked = check_endpoint(endpoint);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == errc::invalid_argument);
    CHECK(checked.error().detail ==
          "endpoint \"" + endpoint + "\" " + reason + "; write it as in tcp://127.0.0.1:7440");
}

TEST_CASE("function names are module and function") {
    CHECK(good_function_name("bench/echo"));
    CHECK(good_function_name("a/b/c"));
    CHECK_FALSE(good_function_name(""));
    CHECK_FALSE(good_function_name("echo"));
    CHECK_FALSE(good_function_name("/echo"));
    CHECK_FALSE(good_function_name("bench/"));
    CHECK_FALSE(good_function_name("bench/" + std::string(250, 'x')));
    CHECK(bad_function_name("echo").detail ==
          "\"echo\" is not a function's full name; write module and function, as in bench/echo");
    CHECK(bad_function_name("bench/" + std::string(250, 'x')).detail ==
          "the function's name has 256 bytes, the most is 255");
}

TEST_CASE("durations are written as people do") {
    CHECK(to_text(300us) == "300 us");
    CHECK(to_text(20ms) == "20 ms");
    CHECK(to_text(1500us) == "1.5 ms");
    CHECK(to_text(2s) == "2 s");
    CHECK(to_text(90min) == "5400 s");
}

TEST_CASE("an endpoint of every interface is reached through the host that was reached") {
    CHECK(reachable("tcp://0.0.0.0:7441", "tcp://node-1:7440") == "tcp://node-1:7441");
    CHECK(reachable("tcp://[::]:7441", "tcp://[fe80::1]:7440") == "tcp://[fe80::1]:7441");
    CHECK(reachable("tcp://10.0.0.1:7441", "tcp://node-1:7440") == "tcp://10.0.0.1:7441");
    CHECK(reachable("nonsense", "tcp://node-1:7440") == "nonsense");
}
