// SPDX-License-Identifier: Apache-2.0
#include "runtime/listen_rule.hpp"

#include "client/checks.hpp"
#include "runtime/text/shown_name.hpp"
#include "wire/envelope.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstdint>
#include <string>

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
    const std::string host(host_of(endpoint));
    if (host == "localhost" || host == "[::1]") return true;
    // A name such as 127.example.com is no address.
    in_addr address{};
    return ::inet_pton(AF_INET, host.c_str(), &address) == 1 &&
           (ntohl(address.s_addr) >> 24) == IN_LOOPBACKNET;
}

result<void> check_listens_at(std::string_view endpoint) {
    if (!endpoint.starts_with(scheme) || host_of(endpoint).empty() || !has_port(endpoint))
        return {errc::invalid_argument, "cannot listen on \"" + std::string(endpoint) +
                                            "\": an endpoint looks like tcp://127.0.0.1:7440"};
    return {};
}

result<void> check_listen(const node_config& config) {
    for (const auto* name : {&config.name, &config.cluster, &config.advertise})
        if (auto good = check_shown_name(*name); !good) return good;
    const std::string_view endpoint = config.listen;
    if (auto good = check_listens_at(endpoint); !good) return good;
    for (const auto& other : config.join)
        if (auto good = link::check_endpoint(other); !good)
            return {errc::invalid_argument, "cannot join: " + good.error().detail};
    if (config.cluster.empty() || config.cluster.size() > wire::name_bytes_max)
        return {errc::invalid_argument,
                "a cluster's name has from 1 to " + std::to_string(wire::name_bytes_max) +
                    " bytes, this one has " + std::to_string(config.cluster.size())};
    if (!config.insecure && config.key.empty() && !is_loopback(endpoint))
        return {errc::invalid_argument,
                "listening on " + config.listen +
                    " would let anyone who reaches that port call every function; give the node a "
                    "key (--key, `dunlin keygen` makes one), use a loopback address, or --insecure "
                    "if the network around this node is trusted"};
    return {};
}

}  // namespace dunlin::runtime
