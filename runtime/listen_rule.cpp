// SPDX-License-Identifier: Apache-2.0
#include "runtime/listen_rule.hpp"

#include <charconv>
#include <cstdint>

namespace dunlin::runtime {

namespace {

constexpr std::string_view scheme = "tcp://";

std::string_view host_of(std::string_view endpoint) noexcept {
    endpoint.remove_prefix(scheme.size());
    return endpoint.substr(0, endpoint.rfind(':'));
}

bool has_port(std::string_view endpoint) noexcept {
    const auto colon = endpoint.rfind(':');
    if (colon == std::string_view::npos || colon < scheme.size()) return false;
    const auto text = endpoint.substr(colon + 1);
    if (text == "*") return true;
    std::uint16_t port = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
    return problem == std::errc() && end == text.data() + text.size();
}

}  // namespace

bool is_loopback(std::string_view endpoint) noexcept {
    if (!endpoint.starts_with(scheme)) return false;
    const auto host = host_of(endpoint);
    return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

result<void> check_listen(const node_config& config) {
    const std::string_view endpoint = config.listen;
    if (!endpoint.starts_with(scheme) || host_of(endpoint).empty() || !has_port(endpoint))
        return {errc::invalid_argument, "cannot listen on \"" + config.listen +
                                            "\": an endpoint looks like tcp://127.0.0.1:7440"};
    if (!config.insecure && !is_loopback(endpoint))
        return {errc::invalid_argument,
                "listening on " + config.listen +
                    " would let anyone who reaches that port call every function; use a loopback "
                    "address, or --insecure if the network around this node is trusted"};
    return {};
}

}  // namespace dunlin::runtime
