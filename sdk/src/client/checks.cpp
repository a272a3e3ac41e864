// SPDX-License-Identifier: Apache-2.0
#include "client/checks.hpp"

#include "wire/envelope.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>

namespace dunlin::link {
namespace {

constexpr std::string_view scheme = "tcp://";

std::string in_quotes(std::string_view text) {
    std::string with_quotes(1, '"');
    with_quotes += text;
    with_quotes += '"';
    return with_quotes;
}

error bad_endpoint(std::string_view endpoint, std::string_view problem) {
    return {errc::invalid_argument, "endpoint " + in_quotes(endpoint) + " " + std::string(problem) +
                                        "; write it as in tcp://127.0.0.1:7440"};
}

}  // namespace

result<void> check_endpoint(std::string_view endpoint) {
    if (!endpoint.starts_with(scheme)) {
        return bad_endpoint(endpoint, "does not begin with tcp://");
    }
    if (endpoint.size() > wire::name_bytes_max) {
        return bad_endpoint(endpoint.substr(0, 40), "is longer than 255 bytes");
    }
    const auto address = endpoint.substr(scheme.size());
    const auto colon = address.rfind(':');
    const auto bracket = address.rfind(']');
    if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
        return bad_endpoint(endpoint, "has no port");
    }
    const auto host = address.substr(0, colon);
    if (host.empty() || host == "*" || host == "[]") return bad_endpoint(endpoint, "has no host");
    const bool bracketed = host.front() == '[' && host.back() == ']';
    if (!bracketed && host.find_first_of(":[]") != std::string_view::npos) {
        return bad_endpoint(endpoint, "has an IPv6 address without brackets");
    }
    if (host.find_first_of(" \t\r\n/;@") != std::string_view::npos) {
        return bad_endpoint(endpoint, "has a character that no host has");
    }
    const auto port = address.substr(colon + 1);
    std::uint16_t number = 0;
    const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (failure != std::errc{} || end != port.data() + port.size() || number == 0) {
        return bad_endpoint(endpoint, "has no port from 1 to 65535");
    }
    return {};
}

std::string reachable(std::string_view named, std::string_view through) {
    const auto host_end = named.rfind(':');
    const auto through_end = through.rfind(':');
    if (host_end == std::string_view::npos || through_end == std::string_view::npos)
        return std::string(named);
    const auto before_port = named.substr(0, host_end);
    if (before_port != "tcp://0.0.0.0" && before_port != "tcp://[::]") return std::string(named);
    return std::string(through.substr(0, through_end)) + std::string(named.substr(host_end));
}

std::string_view port_part(std::string_view endpoint) noexcept {
    const auto colon = endpoint.rfind(':');
    return colon == std::string_view::npos ? endpoint : endpoint.substr(colon);
}

bool good_function_name(std::string_view name) noexcept {
    const auto slash = name.find('/');
    return slash != std::string_view::npos && slash != 0 && slash + 1 != name.size() &&
           name.size() <= wire::name_bytes_max;
}

error bad_function_name(std::string_view name) {
    if (name.empty()) {
        return {errc::invalid_argument,
                "the function's name is empty; write module and function, as in bench/echo"};
    }
    if (name.size() > wire::name_bytes_max) {
        return {errc::invalid_argument, "the function's name has " + std::to_string(name.size()) +
                                            " bytes, the most is 255"};
    }
    return {errc::invalid_argument,
            in_quotes(name) +
                " is not a function's full name; write module and function, as in "
                "bench/echo"};
}

error too_large(std::size_t size, std::uint64_t size_max) {
    return {errc::invalid_argument, "payload of " + std::to_string(size) +
                                        " bytes exceeds the node's limit of " +
                                        std::to_string(size_max)};
}

error after_attempts(error last) {
    const bool unrun = last.did_not_run || last.code == errc::overloaded ||
                       last.code == errc::not_found || last.code == errc::permission_denied ||
                       last.code == errc::invalid_argument;
    if (!unrun) return last;
    last.did_not_run = false;
    last.code = errc::unavailable;
    last.detail += "; an earlier attempt of the call may have run";
    return last;
}

std::string lost_again(std::string_view function, std::string_view before, std::string_view now) {
    std::string text(function);
    if (before.empty()) {
        text += " was lost with node " + std::string(now) +
                ", the second node that was lost while it may have run it";
    } else {
        text += " was lost with node " + std::string(before) + " and then with node " +
                std::string(now) + ", which both may have run it";
    }
    return text + "; it is not tried again";
}

std::string to_text(std::chrono::microseconds duration) {
    const auto us = duration.count();
    char text[48];
    if (us < 1000) {
        std::snprintf(text, sizeof text, "%lld us", static_cast<long long>(us));
    } else if (us < 1'000'000) {
        std::snprintf(text, sizeof text, "%.4g ms", static_cast<double>(us) / 1e3);
    } else {
        std::snprintf(text, sizeof text, "%.10g s", static_cast<double>(us) / 1e6);
    }
    return text;
}

}  // namespace dunlin::link
