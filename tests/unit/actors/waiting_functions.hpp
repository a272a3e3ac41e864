// SPDX-License-Identifier: Apache-2.0
//
// Functions that suspend, for tests of those who run them.
#pragma once

#include "tests/support/actor_harness.hpp"

#include <chrono>
#include <string>

namespace dunlin::testing {

inline constexpr std::int32_t pending = DUNLIN_PENDING;

/// Sleeps as long as its payload says in milliseconds, and replies how that ended.
inline std::int32_t nap(call_view c) {
    c.sleep(std::chrono::milliseconds(std::stoi(std::string(c.payload))),
            [c](std::int32_t code, const std::string& data) {
                c.reply(code == 0 ? "slept" : std::to_string(code) + " " + data);
                c.host.finish(c.call);
            });
    return pending;
}

/// Calls test/inner with its payload and replies what came back.
inline std::int32_t relay(call_view c) {
    c.invoke("test/inner", c.payload, [c](std::int32_t code, const std::string& data) {
        if (code == 0)
            c.reply("inner " + data);
        else
            c.fail(static_cast<errc>(code), data);
        c.host.finish(c.call);
    });
    return pending;
}

}  // namespace dunlin::testing
