// SPDX-License-Identifier: Apache-2.0
//
// What a caller may say about one call of a client. Plain value; the views have to live until the
// call has been started.
#pragma once

#include <chrono>
#include <stop_token>
#include <string_view>

namespace dunlin {

struct call_options {
    /// Until the deadline. Zero: the client's default.
    std::chrono::microseconds timeout{0};
    /// Partition key, at most 255 bytes, handed to the function. Nodes of this version order
    /// nothing by it. Empty: none.
    std::string_view key = {};
    /// W3C trace context ("00-...-...-01") handed to the function. Empty: none.
    std::string_view trace = {};
    /// A stop withdraws the call, as `client::cancel` does, whichever way it was made: it ends
    /// with `cancelled` unless its result is already here.
    std::stop_token stop = {};
};

}  // namespace dunlin
