// SPDX-License-Identifier: Apache-2.0
#include "runtime/cluster/seed_resolver.hpp"

#include "runtime/log.hpp"
#include "support/signal_mask.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

namespace dunlin::runtime {

namespace {

constexpr std::string_view scheme = "tcp://";
/// While nothing is known it is asked soon; a service of an orchestrator changes rarely.
constexpr std::chrono::seconds again_after_min{1};
constexpr std::chrono::seconds again_after_max{30};

}  // namespace

std::vector<std::string> resolve(const std::string& endpoint, std::string& problem) {
    const auto colon = endpoint.rfind(':');
    auto host = endpoint.substr(scheme.size(), colon - scheme.size());
    const auto port = endpoint.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_NUMERICSERV;
    addrinfo* all = nullptr;
    if (const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &all); failed != 0) {
        problem = ::gai_strerror(failed);
        return {};
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> freed(all, &::freeaddrinfo);
    std::vector<std::string> found;
    for (const auto* each = all; each != nullptr; each = each->ai_next) {
        char text[INET6_ADDRSTRLEN] = {};
        if (each->ai_family == AF_INET) {
            const auto* address = reinterpret_cast<const sockaddr_in*>(each->ai_addr);
            ::inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
            found.push_back("tcp://" + std::string(text) + ":" + port);
        } else if (each->ai_family == AF_INET6) {
            const auto* address = reinterpret_cast<const sockaddr_in6*>(each->ai_addr);
            ::inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof text);
            found.push_back("tcp://[" + std::string(text) + "]:" + port);
        }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

seed_resolver::seed_resolver(std::vector<std::string> endpoints, receiver found)
    : endpoints_(std::move(endpoints)),
      found_(std::move(found)) {
    const support::signals_blocked no_signals;
    thread_ = std::thread([this] { run(); });
}

seed_resolver::~seed_resolver() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        stop_.notify_all();
    }
    thread_.join();
}

void seed_resolver::run() {
    std::chrono::seconds pause = again_after_min;
    std::string said;
    for (;;) {
        std::vector<std::string> all;
        for (const auto& endpoint : endpoints_) {
            std::string problem;
            auto found = resolve(endpoint, problem);
            if (found.empty() && said != endpoint + problem) {
                said = endpoint + problem;
                log().warn("join: no address for {}: {}; trying again", endpoint, problem);
            }
            std::move(found.begin(), found.end(), std::back_inserter(all));
        }
        if (!all.empty()) found_(std::move(all));
        std::unique_lock lock(mutex_);
        if (stop_.wait_for(lock, pause, [this] { return stopping_; })) return;
        pause = std::min(pause * 2, again_after_max);
    }
}

}  // namespace dunlin::runtime
