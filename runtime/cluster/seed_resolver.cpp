// SPDX-License-Identifier: Apache-2.0
#include "runtime/cluster/seed_resolver.hpp"

#include "runtime/log.hpp"
#include "support/signal_mask.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

namespace dunlin::runtime {

namespace {

/// While nothing is known it is asked soon; a service of an orchestrator changes rarely.
constexpr std::chrono::seconds again_after_min{1};
constexpr std::chrono::seconds again_after_max{30};

}  // namespace

struct seed_resolver::shared {
    receiver found;
    std::mutex mutex;
    std::condition_variable stop;
    bool stopping = false;
    std::map<std::string, std::vector<std::string>> addresses;  // by endpoint, the newest
    std::map<std::string, std::string> said;

    void take(const std::string& endpoint, const support::address_resolver::answer& answer) {
        const std::lock_guard lock(mutex);
        if (stopping) return;
        if (answer.addresses.empty()) {
            if (std::exchange(said[endpoint], answer.problem) != answer.problem)
                log().warn("no address for a node to join; trying again",
                           {{"endpoint", endpoint}, {"why", answer.problem}});
            return;  // those that it had are as good as any
        }
        addresses[endpoint] = answer.addresses;
        std::vector<std::string> all;
        for (const auto& [name, each] : addresses) all.insert(all.end(), each.begin(), each.end());
        found(std::move(all));
    }
};

seed_resolver::seed_resolver(std::vector<std::string> endpoints, support::address_resolver& names,
                             receiver found)
    : endpoints_(std::move(endpoints)),
      names_(names),
      shared_(std::make_shared<shared>()) {
    shared_->found = std::move(found);
    const support::signals_blocked no_signals;
    thread_ = std::thread([this] { run(); });
}

seed_resolver::~seed_resolver() {
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->stopping = true;
        shared_->stop.notify_all();
    }
    thread_.join();
}

void seed_resolver::run() {
    std::chrono::seconds pause = again_after_min;
    for (;;) {
        for (const auto& endpoint : endpoints_)
            names_.ask(endpoint,
                       [with = shared_, endpoint](const support::address_resolver::answer& found) {
                           with->take(endpoint, found);
                       });
        std::unique_lock lock(shared_->mutex);
        if (shared_->stop.wait_for(lock, pause, [this] { return shared_->stopping; })) return;
        pause = std::min(pause * 2, again_after_max);
    }
}

}  // namespace dunlin::runtime
