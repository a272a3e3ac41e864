// SPDX-License-Identifier: Apache-2.0
//
// Nodes with queues and a chooser each, in virtual time, to see what the rule of `spread` does to
// latency and to shares, alone or behind `warm_set`; and the one ideal queue to compare with.
//
// Calls come as a Poisson process and are given to choosers at random. A reply carries the
// report of its node; nothing else brings news, unless `gossip_every_ns` says so. Step is the
// moving average that nodes measure, not the truth. Same seed, same run. One thread.
#pragma once

#include "cluster/busy_share.hpp"
#include "cluster/rendezvous.hpp"
#include "cluster/spread.hpp"
#include "cluster/warm_set.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <string>
#include <vector>

namespace dunlin::test {

struct spread_scene {
    std::vector<double> slowness = {1, 1, 4};  // per node
    std::vector<double> entries = {1, 1, 1};   // share of the calls that enter at each node
    bool clients = false;                      // as many choosers, but none is a node
    int servers = 4;
    double service_ns = 1e6;
    bool exponential = true;
    double load = 0.8;
    double hop_ns = 50e3;  // one way
    double gossip_every_ns = 0;
    int late_node = -1;  // whose reports arrive late, and seem fresh
    double late_ns = 0;
    int calls = 40'000;
    bool warm = false;       // the choosers keep warm sets
    std::uint32_t room = 0;  // of a function whose calls wait; `load` is of that
};

struct spread_outcome {
    double p50_ns = 0;
    double p99_ns = 0;
    double share_off_max = 0;    // worst |share / fair share - 1|
    double stayed = 0;           // share of the calls that were served where they entered
    std::vector<double> shares;  // of the calls, by node
    // Of the chooser with most: how often its warm set grew, how often after it had shrunk, and
    // how wide it was.
    std::uint32_t grown = 0;
    std::uint32_t swings = 0;
    std::uint32_t width_max = 1;
};

class spread_simulation {
public:
    spread_simulation(const spread_scene& scene, std::uint64_t seed)
        : scene_(scene),
          random_(seed),
          count_(scene.slowness.size()) {
        nodes_.resize(count_);
        for (std::size_t i = 0; i < count_; ++i) {
            nodes_[i].average_ns = mean(i);
            routers_.push_back(router{cluster::spread(seed + i), {}, cluster::warm_set("test/f")});
            for (std::uint32_t place = 0; place < count_; ++place)
                routers_[i].warm.add(place, cluster::name_hash("node-" + std::to_string(place)));
        }
        for (std::size_t r = 0; r < count_; ++r) {
            for (std::size_t i = 0; i < count_; ++i) {
                cluster::candidate known;
                known.learn(report(i), 0, 0);
                known.local = !scene.clients && r == i;
                known.rtt_ns = known.local ? 0 : static_cast<std::int64_t>(2 * scene.hop_ns);
                routers_[r].known.push_back(known);
            }
        }
    }

    spread_outcome run() {
        double rate = 0;  // calls per ns
        for (std::size_t i = 0; i < count_; ++i) rate += full() / mean(i);
        rate *= scene_.load;
        double entries = 0;
        for (const auto share : scene_.entries) entries += share;
        const int warm_up = scene_.calls / 20;
        int made = 0;
        double from_ns = 0;
        after(exponential(1 / rate), [&] { arrive(rate, entries); });
        if (scene_.gossip_every_ns > 0) {
            for (std::size_t i = 0; i < count_; ++i) {
                after(scene_.gossip_every_ns * static_cast<double>(i + 1),
                      [this, i] { gossip(i); });
            }
        }
        while (made_ < scene_.calls && !events_.empty()) {
            if (made < made_ && (made = made_) == warm_up) {
                from_ns = now_ns_;
                for (auto& each : nodes_) each.worked_ns = 0;
                latencies_.clear();
            }
            auto next = events_.top();
            events_.pop();
            now_ns_ = next.at_ns;
            next.what();
        }
        spread_outcome outcome;
        std::sort(latencies_.begin(), latencies_.end());
        outcome.p50_ns = latencies_[latencies_.size() / 2];
        outcome.p99_ns = latencies_[latencies_.size() * 99 / 100];
        outcome.stayed = static_cast<double>(stayed_) / made_;
        const double elapsed = now_ns_ - from_ns;
        for (std::size_t i = 0; i < count_; ++i) {
            const auto served = nodes_[i].worked_ns / mean(i);
            const auto fair = elapsed * scene_.load * full() / mean(i);
            outcome.share_off_max = std::max(outcome.share_off_max, std::abs(served / fair - 1));
            outcome.shares.push_back(static_cast<double>(nodes_[i].calls) / made_);
            outcome.grown = std::max(outcome.grown, routers_[i].grown);
            outcome.swings = std::max(outcome.swings, routers_[i].swings);
            outcome.width_max = std::max(outcome.width_max, routers_[i].width_max);
        }
        return outcome;
    }

    /// The 99th percentile if all servers shared one queue, without hops, the fastest free first.
    [[nodiscard]] static double ideal_p99_ns(const spread_scene& scene, std::uint64_t seed) {
        cluster::random_source random(seed);
        std::vector<double> means;
        double rate = 0;
        for (const auto slowness : scene.slowness) {
            means.insert(means.end(), static_cast<std::size_t>(scene.servers),
                         scene.service_ns * slowness);
            rate += scene.servers / (scene.service_ns * slowness) * scene.load;
        }
        std::vector<double> free_at(means.size(), 0);
        std::vector<double> latencies;
        double now = 0;
        for (int call = 0; call < scene.calls; ++call) {
            now -= std::log1p(-random.next_unit()) / rate;
            std::size_t best = 0;
            for (std::size_t i = 1; i < means.size(); ++i) {
                const auto here = std::max(free_at[i], now);
                const auto there = std::max(free_at[best], now);
                if (here < there || (here == there && means[i] < means[best])) best = i;
            }
            const auto drawn = scene.exponential ? -std::log1p(-random.next_unit()) : 1.0;
            free_at[best] = std::max(free_at[best], now) + drawn * means[best];
            if (call > scene.calls / 20) latencies.push_back(free_at[best] - now);
        }
        std::sort(latencies.begin(), latencies.end());
        return latencies[latencies.size() * 99 / 100];
    }

private:
    struct call {
        double at_ns;
        std::size_t router;
    };
    struct node {
        int running = 0;
        std::deque<call> queue;
        double average_ns = 0;
        double worked_ns = 0;
        int calls = 0;
        cluster::busy_share busy{0};
    };
    struct router {
        cluster::spread choice;
        std::vector<cluster::candidate> known;
        cluster::warm_set warm;
        std::uint32_t grown = 0;
        bool folded = false;
        std::uint32_t swings = 0;
        std::uint32_t width_max = 1;
    };
    struct event {
        double at_ns;
        std::uint64_t order;
        std::function<void()> what;
        bool operator<(const event& other) const {
            return at_ns != other.at_ns ? at_ns > other.at_ns : order > other.order;
        }
    };

    std::int64_t now() const { return static_cast<std::int64_t>(now_ns_); }
    double mean(std::size_t i) const { return scene_.service_ns * scene_.slowness[i]; }
    /// Calls that a node has at a time when it is loaded to the full.
    double full() const { return scene_.room == 0 ? scene_.servers : scene_.room; }
    double exponential(double mean_ns) { return -mean_ns * std::log1p(-random_.next_unit()); }
    void after(double delay_ns, std::function<void()> what) {
        events_.push({now_ns_ + delay_ns, ++order_, std::move(what)});
    }

    void average_busy(node& which) {
        which.busy.advance(static_cast<double>(which.running) / scene_.servers,
                           static_cast<std::int64_t>(which.average_ns), now());
    }

    cluster::load_report report(std::size_t i) {
        auto& from = nodes_[i];
        average_busy(from);
        const int inside = from.running + static_cast<int>(from.queue.size());
        cluster::load_report made;
        made.step_ns = static_cast<std::int64_t>(from.average_ns / scene_.servers);
        made.idle = static_cast<std::uint32_t>(std::max(0, scene_.servers - inside));
        made.wait_ns = made.step_ns * std::max(0, inside - scene_.servers + 1);
        made.busy = from.busy.value();
        made.in_flight = static_cast<std::uint32_t>(inside);
        made.room = scene_.room;
        return made;
    }
    void tell(std::size_t at, std::size_t from, const cluster::load_report& news, double delay_ns) {
        if (static_cast<int>(from) == scene_.late_node) delay_ns += scene_.late_ns;
        after(delay_ns, [this, at, from, news] {
            auto& to = routers_[at];
            to.known[from].learn(news, 0, now());
            if (scene_.warm) watched(to, [&] { to.warm.heard(to.known, now()); });
        });
    }

    template <class Do>
    static void watched(router& which, Do&& look) {
        const auto before = which.warm.width();
        look();
        const auto width = which.warm.width();
        which.grown += width > before ? 1 : 0;
        if (width > before && which.folded) ++which.swings;
        if (width != before) which.folded = width < before;
        which.width_max = std::max(which.width_max, width);
    }
    void narrow(router& which) {
        for (auto& each : which.known) each.now = cluster::standing::usable;
        watched(which, [&] { which.warm.narrow(which.known, {}, now()); });
    }

    void gossip(std::size_t i) {
        const auto news = report(i);
        for (std::size_t r = 0; r < count_; ++r) {
            if (!routers_[r].known[i].local) tell(r, i, news, scene_.hop_ns);
        }
        after(scene_.gossip_every_ns, [this, i] { gossip(i); });
    }

    void arrive(double rate, double entries) {
        ++made_;
        after(exponential(1 / rate), [this, rate, entries] { arrive(rate, entries); });
        auto point = random_.next_unit() * entries;
        std::size_t r = 0;
        while (r + 1 < count_ && point >= scene_.entries[r]) point -= scene_.entries[r++];
        auto& chooser = routers_[r];
        if (!scene_.clients) {
            chooser.known[r].learn(report(r), 0, now());
            chooser.known[r].service_ns = static_cast<std::int64_t>(nodes_[r].average_ns);
        }
        if (scene_.warm) narrow(chooser);
        const auto to = chooser.choice.choose(chooser.known, {}, now());
        const call made{now_ns_, r};
        if (chooser.known[to].local) {
            ++stayed_;
            queue(to, made);
        } else {
            chooser.known[to].sent(now());
            after(scene_.hop_ns, [this, to, made] { queue(to, made); });
        }
    }

    void queue(std::size_t to, const call& which) {
        ++nodes_[to].calls;
        if (nodes_[to].running < scene_.servers) {
            start(to, which);
        } else {
            nodes_[to].queue.push_back(which);
        }
    }
    void start(std::size_t at, const call& which) {
        auto& here = nodes_[at];
        average_busy(here);
        ++here.running;
        const auto takes_ns = scene_.exponential ? exponential(mean(at)) : mean(at);
        here.worked_ns += takes_ns;
        after(takes_ns, [this, at, which, takes_ns] { finish(at, which, takes_ns); });
    }
    void finish(std::size_t at, const call& which, double took_ns) {
        auto& here = nodes_[at];
        average_busy(here);
        --here.running;
        here.average_ns += (took_ns - here.average_ns) / 8;
        if (!here.queue.empty()) {
            const auto next = here.queue.front();
            here.queue.pop_front();
            start(at, next);
        }
        const bool local = routers_[which.router].known[at].local;
        const auto back_ns = local ? 0 : scene_.hop_ns;
        if (!local) tell(which.router, at, report(at), back_ns);
        latencies_.push_back(now_ns_ + back_ns - which.at_ns);
    }

    spread_scene scene_;
    cluster::random_source random_;
    std::size_t count_;
    std::vector<node> nodes_;
    std::vector<router> routers_;
    std::priority_queue<event> events_;
    std::vector<double> latencies_;
    double now_ns_ = 0;
    std::uint64_t order_ = 0;
    int made_ = 0;
    int stayed_ = 0;
};

}  // namespace dunlin::test
