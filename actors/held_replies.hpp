// SPDX-License-Identifier: Apache-2.0
//
// The output gate: replies that wait until the store has what they depend on.
//
// Gathered by port, because they leave together. A key holds its own; those of all keys of a commit
// become one and are sent at once. Plain data; guarded by its holder.
#pragma once

#include "actors/answer_port.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace dunlin::actors {

class held_replies {
public:
    void add(answer_port& port, answer_address to, bytes_view payload) {
        batch_of(port).add(to, payload);
    }
    void add(answer_port& port, answer_address to, error why) {
        batch_of(port).add(to, std::move(why));
    }
    /// What others hold, behind its own.
    void append(const held_replies& others) {
        for (const auto& each : others.ports_)
            if (!each.answers.empty()) batch_of(*each.port).append(each.answers);
    }
    /// The same, and they hold nothing afterwards.
    void take(held_replies& others) {
        if (empty()) {
            ports_.swap(others.ports_);
            std::swap(held_, others.held_);
        } else {
            append(others);
        }
        others.clear();
    }
    /// The memory stays.
    void clear() noexcept {
        for (auto& each : ports_) each.answers.clear();
        if (ports_.size() > ports_kept) ports_.clear();
        held_ = 0;
    }
    [[nodiscard]] bool empty() const noexcept { return held_ == 0; }

    /// The replies leave.
    void send() {
        for (auto& each : ports_)
            if (!each.answers.empty()) each.port->answer_batch_of(std::move(each.answers));
        ports_.clear();
        held_ = 0;
    }
    /// Those that `of(port, address)` says are moved behind what `to` holds.
    template <class Of>
    void move_to(held_replies& to, Of&& of) {
        const auto all = std::exchange(ports_, {});
        held_ = 0;
        for (const auto& each : all) {
            const auto target = [&](answer_address address) -> held_replies& {
                return of(*each.port, address) ? to : *this;
            };
            each.answers.for_each(
                [&](answer_address address, bytes_view payload) {
                    target(address).add(*each.port, address, payload);
                },
                [&](answer_address address, const error& why) {
                    target(address).add(*each.port, address, why);
                });
        }
    }
    /// Each caller is told that instead; those who were to be told of a failure, of that.
    void fail(const error& why) {
        for (const auto& each : ports_)
            each.answers.for_each(
                [&](answer_address to, bytes_view) { each.port->answer_error(to, why); },
                [&](answer_address to, const error& own) { each.port->answer_error(to, own); });
        clear();
    }

private:
    static constexpr std::size_t ports_kept = 4;

    struct of_port {
        answer_port* port;
        answer_batch answers;
    };
    answer_batch& batch_of(answer_port& port) {
        ++held_;
        for (auto& each : ports_)
            if (each.port == &port) return each.answers;
        return ports_.emplace_back(of_port{&port, {}}).answers;
    }

    std::vector<of_port> ports_;
    std::size_t held_ = 0;  // some, or none
};

}  // namespace dunlin::actors
