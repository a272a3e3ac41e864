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
    /// Partition key, at most 255 bytes, handed to the function. Calls with one key go to the same
    /// node, its owner, as long as no node comes or goes, and those of one thread come there in the
    /// order in which they were started, as long as no connection is lost. They may run beside each
    /// other. Empty: none.
    std::string_view key = {};
    /// W3C trace context ("00-...-...-01") handed to the function. Empty: none.
    std::string_view trace = {};
    /// A stop withdraws the call, as `client::cancel` does, whichever way it was made: it ends
    /// with `cancelled` unless its result is already here.
    std::stop_token stop = {};
    /// If there is no answer in the time in which 95 of 100 calls of the function have theirs, a
    /// copy goes to another node and the first answer counts. Only functions declared idempotent;
    /// at most 3 copies for 100 calls.
    bool hedge = false;
};

}  // namespace dunlin
