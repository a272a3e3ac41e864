// SPDX-License-Identifier: Apache-2.0
#include "client/connection_set.hpp"

#include <algorithm>
#include <string>

namespace dunlin::link {

connection_set::connection_set(fleet& nodes, connection::settings how, support::wake_event& news,
                               support::address_resolver::lookup look_up)
    : nodes_(nodes),
      how_(std::move(how)),
      names_(news, std::move(look_up)) {}

bool connection_set::unsent() const noexcept {
    return std::any_of(connections_.begin(), connections_.end(),
                       [](const auto& one) { return !one->out.empty(); });
}

bool connection_set::pending() const noexcept {
    return !nodes_.plan().settled() || connections_.size() != nodes_.live() ||
           std::any_of(connections_.begin(), connections_.end(), [&](const auto& one) {
               return !one->out.empty() || (one->pulse.doubted() && listens_to(*one));
           });
}

connection_set::time_point connection_set::next_action() const noexcept {
    auto first = std::min(nodes_.plan().next_action(), names_.next_action());
    for (const auto& one : connections_) {
        if (one->now == connection::phase::greeting) first = std::min(first, one->greet_by());
        if (listens_to(*one))
            first = std::min(first, time_point(std::chrono::nanoseconds(one->pulse.next_ns())));
        if (!one->problem().empty()) first = time_point::min();
    }
    return first;
}

// -- silence ---------------------------------------------------------------------------------

// Without others there is nothing to be gained by giving a node up.
bool connection_set::listens_to(const connection& one) const noexcept {
    if (!nodes_.many() || !one.problem().empty()) return false;
    return one.now == connection::phase::leaving ||
           (one.now == connection::phase::live && nodes_.nodes() > 1);
}

bool connection_set::feel_pulses(time_point now, std::size_t window) {
    bool asks = false;
    for (const auto& one : connections_) {
        if (!listens_to(*one)) continue;
        const auto verdict = one->pulse.look(one->in_flight != 0, ns(now));
        using said = cluster::pulse::verdict;
        if (verdict == said::well) continue;
        const bool moved = one->moved();  // since the last look like this one
        if (verdict == said::ping) {
            append(one->out.open(), wire::ping{0});
            one->out.appended(window);
            asks = true;
        } else if (moved) {
            one->pulse.moved(ns(now));
        } else if (verdict == said::silent) {
            one->give_up_silent();
        }
        nodes_.update_late(*one);
    }
    return asks;
}

// -- closing ---------------------------------------------------------------------------------

bool connection_set::to_close(const connection& one, time_point now) const noexcept {
    if (!one.problem().empty()) return true;
    switch (one.now) {
        case connection::phase::greeting:
            return now >= one.greet_by() || !nodes_.plan().has(one.lane());
        case connection::phase::leaving: return one.in_flight == 0 && one.out.empty();
        case connection::phase::live: return false;
    }
    return false;
}

bool connection_set::any_to_close(time_point now) const noexcept {
    return std::any_of(connections_.begin(), connections_.end(),
                       [&](const auto& one) { return to_close(*one, now); });
}

bool connection_set::has_failed(connection& one, time_point now) {
    if (one.now == connection::phase::greeting && now >= one.greet_by()) one.give_up_greeting(now);
    if (one.problem().empty()) return false;
    if (one.keys_refused())
        nodes_.refuse(one, {errc::unauthenticated,
                            "cannot use the node at " + one.endpoint() + ": " + one.problem()});
    return true;
}

connection_set::list connection_set::take_closed(time_point now) {
    list closed;
    for (auto& one : connections_) {
        if (to_close(*one, now)) closed.push_back(std::move(one));
    }
    std::erase(connections_, nullptr);
    return closed;
}

void connection_set::close() {
    for (const auto& one : connections_) one->say_bye();
    connections_.clear();
    context_.close();
}

// -- opening ---------------------------------------------------------------------------------

void connection_set::open(lock& held, time_point now) {
    while (!stopping_) {
        auto attempt = nodes_.plan().next_attempt(now);
        if (!attempt) break;
        held.unlock();
        names_.ask(std::move(*attempt), now, now + how_.greet_timeout);
        held.lock();
    }
    for (const auto& each : names_.take(now)) connect(held, each, now);
}

void connection_set::connect(lock& held, const name_lookup::outcome& to, time_point now) {
    // Meanwhile another attempt may have led there, or the node may have left.
    if (stopping_ || !nodes_.plan().has(to.lane)) return;
    std::unique_ptr<connection> made;
    std::string problem = to.problem;
    if (problem.empty()) {
        held.unlock();
        try {
            made =
                std::make_unique<connection>(context_, to.lane, to.endpoint, how_, now, to.address);
        } catch (const zmq::error_t& e) {
            problem = e.what();
        }
        held.lock();
    }
    if (made) {
        connections_.push_back(std::move(made));
    } else {
        nodes_.unreached(to.lane, to.endpoint, problem, now);
    }
}

// -- news of transports ----------------------------------------------------------------------

void connection_set::add_descriptors(std::vector<pollfd>& to) const {
    for (const auto& one : connections_) {
        to.push_back({one->socket_fd(), POLLIN, 0});
        to.push_back({one->monitor_fd(), POLLIN, 0});
    }
}

void connection_set::read_events(std::span<const pollfd> found) {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        if (found[2 * i + 1].revents != 0) connections_[i]->read_events();
    }
}

}  // namespace dunlin::link
