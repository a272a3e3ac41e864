// SPDX-License-Identifier: Apache-2.0
#include "support/address_resolver.hpp"

#include "support/signal_mask.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace dunlin::support {

namespace {

constexpr std::string_view scheme = "tcp://";

struct host_and_port {
    std::string host;  // without brackets
    std::string port;
};

host_and_port take_apart(std::string_view endpoint) {
    const auto colon = endpoint.rfind(':');
    auto host = endpoint.substr(scheme.size(), colon - scheme.size());
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return {std::string(host), std::string(endpoint.substr(colon + 1))};
}

}  // namespace

bool is_numeric(std::string_view endpoint) noexcept {
    auto host = take_apart(endpoint).host;
    host.resize(std::min(host.find('%'), host.size()));  // the network card of a local address
    in6_addr address{};                                  // large enough for either
    return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

std::vector<std::string> resolve(const std::string& endpoint, std::string& problem) {
    const auto [host, port] = take_apart(endpoint);
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

/// Lives as long as the last thread that looks something up.
struct address_resolver::shared {
    explicit shared(lookup given) : how(std::move(given)) {}

    const lookup how;
    std::mutex mutex;
    bool closed = false;
    std::size_t threads = 0;
    std::deque<std::string> waiting;
    std::map<std::string, std::vector<receiver>> asked;  // those under way, too

    // Locked: so nobody is told after the end.
    void tell(const std::string& endpoint, const answer& found) {
        const auto who = asked.extract(endpoint);
        if (closed || who.empty()) return;
        for (const auto& each : who.mapped()) each(found);
    }
};

address_resolver::address_resolver(lookup how)
    : shared_(std::make_shared<shared>(std::move(how))) {}

address_resolver::~address_resolver() {
    const std::lock_guard lock(shared_->mutex);
    shared_->closed = true;
    shared_->waiting.clear();
}

void address_resolver::ask(const std::string& endpoint, receiver found) {
    {
        const std::lock_guard lock(shared_->mutex);
        auto& who = shared_->asked[endpoint];
        who.push_back(std::move(found));
        if (who.size() > 1) return;
        shared_->waiting.push_back(endpoint);
        if (shared_->threads == threads_max) return;
        ++shared_->threads;
    }
    try {
        const signals_blocked no_signals;
        std::thread([with = shared_] { work(with); }).detach();
    } catch (const std::system_error& why) {
        const std::lock_guard lock(shared_->mutex);
        if (--shared_->threads != 0) return;  // another comes to it
        for (const auto& each : std::exchange(shared_->waiting, {}))
            shared_->tell(each, {{}, std::string("no thread to look it up: ") + why.what()});
    }
}

void address_resolver::work(const std::shared_ptr<shared>& with) {
    std::unique_lock lock(with->mutex);
    while (!with->waiting.empty()) {
        const auto endpoint = std::move(with->waiting.front());
        with->waiting.pop_front();
        answer found;
        lock.unlock();
        found.addresses = with->how(endpoint, found.problem);
        lock.lock();
        with->tell(endpoint, found);
    }
    --with->threads;
}

}  // namespace dunlin::support
