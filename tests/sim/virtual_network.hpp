// SPDX-License-Identifier: Apache-2.0
//
// A network in virtual time that does everything real ones do.
//
// Hosts are numbers. What one sends to another arrives after a random delay, so it may overtake;
// it may get lost, come twice, or much later; and the way between two hosts can be cut, each
// direction by itself. A host that is paused gets what was sent to it when it goes on, a host that
// is down never. The payload is whatever its users send each other: messages, frames, calls.
// The same seed and the same calls give the same run. One owner, one thread.
#pragma once

#include "runtime/membership/random.hpp"
#include "tests/sim/virtual_time.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace dunlin::sim {

using host_id = std::uint32_t;

struct link_quality {
    double loss = 0;         // share of what is sent
    double duplication = 0;  // the same
    double straggling = 0;   // share that takes `straggler_ns` longer, at most
    std::int64_t delay_min_ns = 0;
    std::int64_t delay_max_ns = 5'000'000;
    std::int64_t straggler_ns = 50'000'000;
};

template <class Payload>
class virtual_network final : private virtual_time::handler {
public:
    class receiver {
    public:
        virtual void arrive(host_id to, host_id from, Payload& what) = 0;

    protected:
        ~receiver() = default;
    };

    virtual_network(virtual_time& time, receiver& users, host_id hosts, std::uint64_t seed)
        : time_(time),
          users_(users),
          hosts_(hosts),
          random_(seed) {}

    link_quality quality;

    void send(host_id from, host_id to, Payload what) {
        if (down_[to] || is_cut(from, to) || random_.chance(quality.loss)) return;
        if (quality.duplication > 0 && random_.chance(quality.duplication)) {
            post(from, to, Payload(what));
        }
        post(from, to, std::move(what));
    }

    /// Nothing gets from one to the other until `mend`; the other direction is not concerned.
    void cut(host_id from, host_id to) {
        if (cuts_.empty()) cuts_.resize(std::size_t{hosts_.size()} * hosts_.size());
        cuts_[index_of(from, to)] = true;
    }
    void mend() { cuts_.clear(); }
    /// Both ways: what a handshake needs.
    [[nodiscard]] bool can_reach(host_id from, host_id to) const {
        return !down_[to] && !hosts_[to].paused && !is_cut(from, to) && !is_cut(to, from);
    }

    void set_down(host_id host, bool down) {
        down_[host] = down;
        if (!down) return;
        for (const auto slot : std::exchange(hosts_[host].held, {})) free_.push_back(slot);
    }
    void pause(host_id host) { hosts_[host].paused = true; }
    /// All that was held arrives now, one after another.
    void resume(host_id host) {
        hosts_[host].paused = false;
        for (const auto slot : std::exchange(hosts_[host].held, {})) {
            time_.at(time_.now_ns(), *this, slot);
        }
    }

private:
    struct mailbox {
        bool paused = false;
        std::vector<std::uint32_t> held;
    };
    struct parcel {
        host_id from = 0;
        host_id to = 0;
        Payload what;
    };

    [[nodiscard]] std::size_t index_of(host_id from, host_id to) const noexcept {
        return std::size_t{from} * hosts_.size() + to;
    }
    [[nodiscard]] bool is_cut(host_id from, host_id to) const {
        return !cuts_.empty() && cuts_[index_of(from, to)];
    }

    void post(host_id from, host_id to, Payload what) {
        std::uint32_t slot = 0;
        if (free_.empty()) {
            slot = static_cast<std::uint32_t>(parcels_.size());
            parcels_.emplace_back();
        } else {
            slot = free_.back();
            free_.pop_back();
        }
        parcels_[slot] = {from, to, std::move(what)};
        const auto spread = quality.delay_max_ns - quality.delay_min_ns;
        auto delay_ns = quality.delay_min_ns + random_between(spread);
        if (quality.straggling > 0 && random_.chance(quality.straggling)) {
            delay_ns += random_between(quality.straggler_ns);
        }
        time_.at(time_.now_ns() + delay_ns, *this, slot);
    }
    std::int64_t random_between(std::int64_t span_ns) noexcept {
        return static_cast<std::int64_t>(random_.below(static_cast<std::uint32_t>(span_ns + 1)));
    }

    void handle(std::uint64_t what) override {
        const auto slot = static_cast<std::uint32_t>(what);
        const auto to = parcels_[slot].to;
        if (hosts_[to].paused) {
            hosts_[to].held.push_back(slot);
            return;
        }
        // The receiver may send, and what is sent may move the parcels.
        auto arrived = std::move(parcels_[slot]);
        free_.push_back(slot);
        if (!down_[to]) users_.arrive(to, arrived.from, arrived.what);
    }

    virtual_time& time_;
    receiver& users_;
    std::vector<mailbox> hosts_;
    std::vector<bool> down_ = std::vector<bool>(hosts_.size());
    std::vector<bool> cuts_;
    runtime::membership::seeded_random random_;
    std::vector<parcel> parcels_;
    std::vector<std::uint32_t> free_;
};

}  // namespace dunlin::sim
