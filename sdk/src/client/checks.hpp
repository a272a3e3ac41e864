// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with what a caller passed, said so that it can be mended at once. Plain
// functions; any thread.
#pragma once

#include <dunlin/result.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace dunlin::link {

/// "tcp://host:port", the host a name or an address, IPv6 in brackets.
[[nodiscard]] result<void> check_endpoint(std::string_view endpoint);

/// "module/function", as the wire can carry it.
[[nodiscard]] bool good_function_name(std::string_view name) noexcept;
/// Says what is wrong with a name that is not good.
[[nodiscard]] error bad_function_name(std::string_view name);

/// "20 ms", "1.5 s", "300 us".
[[nodiscard]] std::string to_text(std::chrono::microseconds duration);

/// Where an endpoint that a node names is reached. A node that listens on every interface names
/// 0.0.0.0 or [::]; that is the host through which it was reached itself, `through`.
[[nodiscard]] std::string reachable(std::string_view named, std::string_view through);

/// ":7440". What tells the lanes of a node apart, whatever name its host is reached by.
[[nodiscard]] std::string_view port_part(std::string_view endpoint) noexcept;

/// A payload over the limit of the node that it would go to.
[[nodiscard]] error too_large(std::size_t size, std::uint64_t size_max);

/// What an error says of a call, of which an attempt before the last may have run: the last may not
/// have run, the call may.
[[nodiscard]] error after_attempts(error last);

/// What is said of a call that as many nodes were lost with as may be (`wire::losses_max`).
/// `before` is the node lost first; empty: it was lost elsewhere.
[[nodiscard]] std::string lost_again(std::string_view function, std::string_view before,
                                     std::string_view now);

}  // namespace dunlin::link
