// SPDX-License-Identifier: Apache-2.0
#include "client/name_lookup.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::link {
namespace {

// All lanes of a node are at one host, which is asked for once.
std::string host_part(const std::string& endpoint) {
    return endpoint.substr(0, endpoint.rfind(':'));
}

std::string with_port_of(const std::string& endpoint, const std::string& address) {
    return host_part(address) + endpoint.substr(endpoint.rfind(':'));
}

}  // namespace

name_lookup::name_lookup(support::wake_event& news, support::address_resolver::lookup how)
    : news_(news),
      names_(std::move(how)) {}

void name_lookup::ask(node_plan::attempt what, time_point now, time_point until) {
    if (support::is_numeric(what.endpoint)) {
        ready_.push_back({what.lane, what.endpoint, what.endpoint, {}});
        return;
    }
    const auto host = host_part(what.endpoint);
    if (const auto found = known_.find(host); found != known_.end()) {
        auto& [addresses, found_at, tried] = found->second;
        auto& next = tried[what.endpoint];
        if (now < found_at + fresh_for && next < addresses.size()) {
            auto address = with_port_of(what.endpoint, addresses[next++]);
            ready_.push_back({what.lane, std::move(what.endpoint), std::move(address), {}});
            return;
        }
    }
    open_.push_back({std::move(what), until});
    if (!under_way_.insert(host).second) return;
    // Any port will do: an address is given the one of each attempt.
    names_.ask(host + ":0", [this, host](const auto& found) { tell(host, found); });
}

// On a thread of the resolver, or on the one that asks when there is no thread to be had.
void name_lookup::tell(const std::string& host, const support::address_resolver::answer& found) {
    {
        const std::lock_guard lock(mutex_);
        replies_.push_back({host, found});
    }
    any_reply_.store(true, std::memory_order_release);
    news_.signal();
}

bool name_lookup::ready(time_point now) const noexcept {
    return any_reply_.load(std::memory_order_acquire) || next_action() <= now;
}

name_lookup::time_point name_lookup::next_action() const noexcept {
    if (!ready_.empty()) return time_point::min();
    auto first = time_point::max();
    for (const auto& each : open_) first = std::min(first, each.until);
    return first;
}

std::vector<name_lookup::outcome> name_lookup::take(time_point now) {
    std::vector<reply> replies;
    if (any_reply_.exchange(false, std::memory_order_acquire)) {
        const std::lock_guard lock(mutex_);
        replies.swap(replies_);
    }
    for (auto& each : replies) learn(each, now);
    std::erase_if(open_, [&](question& late) {
        if (now < late.until) return false;
        ready_.push_back({late.what.lane,
                          std::move(late.what.endpoint),
                          {},
                          "the name server has not answered for its host yet"});
        return true;
    });
    std::erase_if(known_,
                  [&](const auto& each) { return each.second.found_at + fresh_for <= now; });
    return std::exchange(ready_, {});
}

void name_lookup::learn(reply& news, time_point now) {
    under_way_.erase(news.host);
    auto& known = known_[news.host];
    known = {std::move(news.found.addresses), now, {}};
    std::erase_if(open_, [&](question& each) {
        auto& [lane, endpoint] = each.what;
        if (host_part(endpoint) != news.host) return false;
        outcome came{lane, endpoint, {}, {}};
        if (known.addresses.empty()) {
            came.problem = "its host has no address: " + news.found.problem;
        } else {
            // There may be more attempts at one endpoint than addresses.
            auto& next = known.tried[endpoint];
            came.address = with_port_of(endpoint, known.addresses[next++ % known.addresses.size()]);
        }
        ready_.push_back(std::move(came));
        return true;
    });
    if (known.addresses.empty()) known_.erase(news.host);
}

}  // namespace dunlin::link
