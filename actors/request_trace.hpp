// SPDX-License-Identifier: Apache-2.0
//
// By what name the log lines about one call are found, on every node that it came to.
//
// It is the trace id of the call's W3C trace context. A call without one gets an id made from what
// names it on its whole way, its origin and its number there; for a caller that tells no origin,
// from this node and a number that is made of the caller's, the moment of its arrival and its place
// here, and both are what the next node is told. Each node makes the same of the same call. What a
// function calls
// in turn carries the context on, a made one too, so that the lines of all of them are found
// together. Pure; views into itself and into the call.
#pragma once

#include "actors/invocation.hpp"
#include "actors/state/state_store.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace dunlin::actors {

/// The trace id of a traceparent ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
/// empty when it is none.
[[nodiscard]] std::string_view trace_id_of(std::string_view traceparent) noexcept;

/// What names a call on its whole way, over all nodes and attempts: its caller's word, or that of
/// the first node, `instance`, if the caller tells no origin. No two calls have one.
[[nodiscard]] call_name name_of(const invocation& call, std::uint64_t instance) noexcept;
/// The number of a call that a function makes, for its node as the origin.
[[nodiscard]] std::uint64_t inner_number(const invocation& parent, std::uint64_t instance,
                                         answer_address operation) noexcept;

class request_trace {
public:
    static constexpr std::size_t bytes = 55;

    /// `instance` is this process among the nodes.
    request_trace(const invocation& call, std::uint64_t instance) noexcept;
    request_trace(const request_trace&) = delete;
    request_trace& operator=(const request_trace&) = delete;

    /// 32 hexadecimal digits.
    [[nodiscard]] std::string_view id() const noexcept { return id_; }
    /// The caller's context, or a made one.
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

private:
    std::array<char, bytes> made_;  // written only when it is needed
    std::string_view text_;
    std::string_view id_;
};

}  // namespace dunlin::actors
