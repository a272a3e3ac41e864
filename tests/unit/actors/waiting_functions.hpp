// SPDX-License-Identifier: Apache-2.0
//
// Functions that suspend, for tests of those who run them.
#pragma once

#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace dunlin::testing {

/// Sleeps as long as its payload says in milliseconds, and replies how that ended.
inline std::int32_t nap(call_view c) {
    c.sleep(std::chrono::milliseconds(std::stoi(std::string(c.payload))),
            [c](std::int32_t code, const std::string& data) {
                c.finish(code == 0 ? "slept" : std::to_string(code) + " " + data);
            });
    return DUNLIN_PENDING;
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
    return DUNLIN_PENDING;
}

/// What an operation ends with that its function has left open.
inline constexpr dunlin_completion never = [](void*, std::int32_t, const std::uint8_t*,
                                              std::size_t) { FAIL("the operation is not open"); };

/// Calls test/inner and does not wait for it.
inline void leave_inner_call(call_view c) {
    dunlin_request request{};
    request.struct_size = sizeof request;
    request.function = "test/inner";
    request.function_size = 10;
    c.host.invoke(c.call, &request, never, nullptr);
}

/// What a module does, on whatever thread.
inline void end_ticket(dunlin_ticket* ticket, std::string_view text, std::int32_t code = 0) {
    actors::host_table().end(ticket, code, reinterpret_cast<const std::uint8_t*>(text.data()),
                             text.size());
}

}  // namespace dunlin::testing
