// SPDX-License-Identifier: Apache-2.0
#include "runtime/cluster/advertise.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <memory>
#include <string_view>

namespace dunlin::runtime {

namespace {

constexpr std::string_view every_interface[] = {"tcp://0.0.0.0:", "tcp://[::]:", "tcp://*:"};

bool is_everywhere(std::string_view endpoint) noexcept {
    for (const auto each : every_interface)
        if (endpoint.starts_with(each)) return true;
    return false;
}

/// IPv4 before IPv6; empty if this machine has neither beyond loopback.
std::string first_address() {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> freed(all, &::freeifaddrs);
    std::string six;
    for (const auto* each = all; each != nullptr; each = each->ifa_next) {
        if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_LOOPBACK) != 0 ||
            (each->ifa_flags & IFF_UP) == 0)
            continue;
        char text[INET6_ADDRSTRLEN] = {};
        if (each->ifa_addr->sa_family == AF_INET) {
            const auto* four = reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
            ::inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
            return text;
        }
        if (each->ifa_addr->sa_family != AF_INET6 || !six.empty()) continue;
        const auto* address = reinterpret_cast<const sockaddr_in6*>(each->ifa_addr);
        if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) continue;
        ::inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof text);
        six = "[" + std::string(text) + "]";
    }
    return six;
}

}  // namespace

result<std::vector<std::string>> advertised(std::vector<std::string> bound,
                                            const std::string& host) {
    std::string tell = host;
    for (auto& endpoint : bound) {
        if (host.empty() && !is_everywhere(endpoint)) continue;
        if (tell.empty()) tell = first_address();
        if (tell.empty())
            return {errc::invalid_argument,
                    "this node listens on every interface, and the machine has no address that "
                    "others could reach; name the host that they should use with --advertise"};
        endpoint = "tcp://" + tell + endpoint.substr(endpoint.rfind(':'));
    }
    return bound;
}

}  // namespace dunlin::runtime
