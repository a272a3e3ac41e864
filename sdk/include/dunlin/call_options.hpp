// SPDX-License-Identifier: Apache-2.0
//
// What a caller may say about one call of a client, and be told of it. Plain values; the views have
// to live until the call has been started, `info` until it has ended.
#pragma once

#include <chrono>
#include <stop_token>
#include <string_view>

namespace dunlin {

/// What a caller may learn of one call besides its result.
struct call_info {
    /// The call paid for a cold start: an activation of its function was started for it, or for
    /// calls that came with it. False of one that ended with an error, and of a node that does not
    /// tell.
    bool cold_start = false;
};

struct call_options {
    /// Until the deadline. Zero: the client's default.
    std::chrono::microseconds timeout{0};
    /// Partition key, at most 255 bytes, handed to the function. Calls with one key go to the same
    /// node, its owner, as long as no node comes or goes, and those of one thread come there in the
    /// order in which they were started, as long as no connection is lost. They may run beside each
    /// other, unless the function has state or takes turns. Of a function that is `keyed_by` a
    /// field of its input the key is that, whatever stands here. Empty: none.
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
    /// Where to put what is learned of the call; null: nowhere. It is reset when the call starts,
    /// complete when the result is handed over, and has to live until then. One for each call. Of
    /// calls of a client only: `context::invoke` takes no options.
    call_info* info = nullptr;
};

}  // namespace dunlin
