// SPDX-License-Identifier: Apache-2.0
#include "runtime/link/key_choice.hpp"

#include "tests/support/catch.hpp"

#include <memory>
#include <string>

using dunlin::runtime::key_choice;
using dunlin::security::client_keys;

namespace {

key_choice::keys_ptr key_of(const std::string& node) {
    auto keys = std::make_shared<client_keys>();
    keys->node_public_key = node;
    return keys;
}

}  // namespace

TEST_CASE("a node whose handshake failed is taken to have the next key, and others are not") {
    key_choice keys;
    CHECK(keys.for_node_at("a") == nullptr);
    CHECK(keys.was_wrong("a"));
    const auto before = key_of("before");
    const auto after = key_of("after");
    keys.use({before, after});
    CHECK(keys.for_node_at("a") == before);
    CHECK_FALSE(keys.was_wrong("a"));
    CHECK(keys.for_node_at("a") == after);
    CHECK(keys.for_node_at("b") == before);
    CHECK(keys.was_wrong("a"));
    CHECK(keys.for_node_at("a") == before);
    CHECK(keys.allows("after"));
    CHECK_FALSE(keys.allows("another"));
}

TEST_CASE("what is remembered of addresses is bounded") {
    key_choice keys;
    keys.use({key_of("before"), key_of("after")});
    static_cast<void>(keys.was_wrong("first"));
    for (std::size_t i = 1; i < key_choice::endpoints_max; ++i)
        static_cast<void>(keys.was_wrong(std::to_string(i)));
    CHECK(keys.for_node_at("first")->node_public_key == "after");
    static_cast<void>(keys.was_wrong("one more"));
    CHECK(keys.for_node_at("first")->node_public_key == "before");
}
