// SPDX-License-Identifier: Apache-2.0
//
// Clients with and without keys, at nodes with and without.
#include "fake_node.hpp"
#include "security/key_file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <dunlin/client.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

using namespace dunlin;
using namespace dunlin::tests;
using namespace std::chrono_literals;

namespace {

// A pair in memory, and in files in a folder.
struct filed_key {
    security::key_pair pair;
    std::string key;
    std::string pub;

    filed_key(const temporary_folder& in, const std::string& name)
        : pair(security::make_key_pair(name).value()),
          key(in.file(name + ".key")),
          pub(in.file(name + ".pub")) {
        security::write_key_files(pair, key, pub).value();
    }
};

struct keys_fixture {
    temporary_folder folder;
    filed_key node_key{folder, "nodes"};
    filed_key shop{folder, "shop"};
    filed_key stranger{folder, "stranger"};

    [[nodiscard]] fake_node::options with_keys() const {
        fake_node::options how;
        how.keys = node_key.pair;
        how.allowed = {shop.pair.public_key};
        return how;
    }
    [[nodiscard]] client_options options(const fake_node& node, const std::string& key,
                                         const std::string& node_pub) const {
        client_options how;
        how.endpoints = {node.endpoint()};
        how.timeout = 60s;
        how.key_file = key;
        how.node_key_file = node_pub;
        return how;
    }
};

error refusal(client_options how) {
    const auto made = client::connect(std::move(how));
    REQUIRE_FALSE(made);
    return made.error();
}

}  // namespace

TEST_CASE_METHOD(keys_fixture, "client with keys calls a node that lets its key in") {
    fake_node node(with_keys());
    auto c = client::connect(options(node, shop.key, node_key.pub));
    REQUIRE(c);
    CHECK(c->invoke<int>("t/echo", 7).value() == 7);
    // What is too large to be copied is encrypted too.
    const std::string large(100'000, 'x');
    CHECK(c->invoke<std::string>("t/echo", large).value() == large);
}

TEST_CASE_METHOD(keys_fixture, "client keeps its keys when it connects again") {
    auto node = std::make_unique<fake_node>(with_keys());
    auto how = with_keys();
    how.endpoint = node->endpoint();
    auto c = client::connect(options(*node, shop.key, node_key.pub)).value();
    auto lost = c.async_invoke<int>("t/hold", 1);
    node->wait_for_held(1);
    node.reset();
    CHECK_FALSE(lost.get());  // so it knows
    const fake_node again(how);
    CHECK(c.invoke<int>("t/echo", 2).value() == 2);
}

TEST_CASE_METHOD(keys_fixture, "client says at once that its key is not let in") {
    const fake_node node(with_keys());
    const auto why = refusal(options(node, stranger.key, node_key.pub));
    CHECK(why == error{errc::unauthenticated, "cannot use the node at " + node.endpoint() +
                                                  ": the node does not let in the key stranger (" +
                                                  stranger.pair.public_key +
                                                  "); ask for an entry in its allow-list"});
}

TEST_CASE_METHOD(keys_fixture, "client says that the node could not check its key") {
    auto how = with_keys();
    how.denied = "500";
    const fake_node node(how);
    auto asked = options(node, stranger.key, node_key.pub);
    asked.connect_timeout = 800ms;
    const auto why = refusal(std::move(asked));
    CHECK(why.code == errc::unavailable);
    CHECK_THAT(why.detail, Catch::EndsWith("the node could not check the key stranger; its log "
                                           "may say why"));
}

TEST_CASE_METHOD(keys_fixture, "client without keys says that the node wants some") {
    const fake_node node(with_keys());
    auto how = options(node, "", "");
    how.connect_timeout = 2s;
    const auto why = refusal(std::move(how));
    // Whether it learns that for certain is a matter of who closes the connection first.
    CHECK_THAT(why.detail, Catch::Contains(" wants keys, and none are given here: key_file and "
                                           "node_key_file, or --client-key and --node-key"));
}

TEST_CASE_METHOD(keys_fixture, "client with keys does not use a node that has none") {
    fake_node node;
    auto how = options(node, shop.key, node_key.pub);
    how.connect_timeout = 2s;
    const auto why = refusal(std::move(how));
    CHECK_THAT(why.detail, Catch::Contains("has no keys, so it cannot show that it is the node") ||
                               Catch::Contains("or no keys"));
    node.run_there([](fake_node&) {});
    node.wait_for([](const fake_node::seen& s) { return s.hellos == 0; }, "no hello");
}

TEST_CASE_METHOD(keys_fixture, "client does not use a node that has another key") {
    fake_node node(with_keys());
    auto how = options(node, shop.key, stranger.pub);
    how.connect_timeout = 800ms;
    const auto why = refusal(std::move(how));
    CHECK(why.code == errc::unavailable);
    CHECK_THAT(why.detail, Catch::EndsWith(": the connection was closed while keys were shown: the "
                                           "node may have another key than the public one given "
                                           "here, or no keys"));
    node.run_there([](fake_node&) {});
    node.wait_for([](const fake_node::seen& s) { return s.hellos == 0; }, "no hello");
}

TEST_CASE_METHOD(keys_fixture, "client reads its key files before it connects") {
    const fake_node node(with_keys());
    const auto complaint = [&](const std::string& key, const std::string& node_pub) {
        const auto why = refusal(options(node, key, node_pub));
        CHECK(why.code == errc::invalid_argument);
        return why.detail;
    };
    CHECK_THAT(complaint(shop.key, ""),
               Catch::Contains("needs two files") &&
                   Catch::EndsWith("its own key " + shop.key + " is given"));
    CHECK_THAT(complaint("", node_key.pub),
               Catch::EndsWith("the nodes' key " + node_key.pub + " is given"));
    CHECK_THAT(complaint(folder.file("none.key"), node_key.pub), Catch::Contains("no such file"));
    CHECK_THAT(complaint(shop.key, folder.file("none.pub")), Catch::Contains("no such file"));
    CHECK_THAT(complaint(shop.pub, node_key.pub), Catch::Contains("holds a public key only"));
    CHECK_THAT(complaint(shop.key, node_key.key), Catch::Contains("holds a secret key"));
    const auto open = folder.write("open.key", temporary_folder::read(shop.key), 0644);
    CHECK_THAT(complaint(open, node_key.pub), Catch::Contains("chmod 600"));
    const auto wrong = folder.write("wrong.key", "-----BEGIN PRIVATE KEY-----\n", 0600);
    CHECK_THAT(complaint(wrong, node_key.pub), Catch::Contains("line 1 is none of a key file"));
}
