// SPDX-License-Identifier: Apache-2.0
//
// One space with a function that appends its input to the text under its key, and one that shows
// it, moved by hand.
#pragma once

#include "tests/support/catch.hpp"
#include "tests/support/state_harness.hpp"

#include <string_view>

namespace dunlin::testing {

/// Appends its input, and answers all.
inline std::int32_t append(call_view c) {
    auto& value = state_of(c);
    value += c.payload;
    return c.reply(value);
}

struct one_space {
    actor_harness h;
    actors::function_info info = keyed_function(h, "test/append", append);
    actors::function_info reads = keyed_function(
        h, "test/show", [](call_view c) { return c.reply(state_of(c)); }, "texts", false);
    manual_state state;
    actors::pool& appends;
    actors::pool& shows;

    explicit one_space(actors::hot_state::options how = {})
        : state({&info, &reads}, how),
          appends(make(info)),
          shows(make(reads)) {}

    actors::pool& make(const actors::function_info& of) {
        h.state = &state;
        return h.make_pool(of);
    }
    std::uint32_t append_to(std::string_view key, std::string_view text) {
        return call_with_key(h, appends, key, text);
    }
    std::uint32_t show(std::string_view key) { return call_with_key(h, shows, key, ""); }
    /// The key is in memory from then on.
    void warm(std::string_view key) {
        const auto ticket = show(key);
        state.read();
        h.run();
        REQUIRE(h.outcome(ticket).starts_with("ok: "));
    }
};

}  // namespace dunlin::testing
