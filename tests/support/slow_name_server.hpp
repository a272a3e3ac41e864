// SPDX-License-Identifier: Apache-2.0
//
// A name server for tests: it answers at once what it knows, and keeps everybody else waiting until
// it is let go. From any thread; threads that ask it may outlive the test, so it is shared.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::tests {

class slow_name_server {
public:
    using addresses = std::vector<std::string>;  // endpoints

    /// @param found empty: there is no such host.
    void know(const std::string& endpoint, addresses found) {
        const std::lock_guard lock(mutex_);
        known_[endpoint] = std::move(found);
    }
    /// Lets those go who wait; there is no host that they asked for but what is known now.
    void answer() {
        const std::lock_guard lock(mutex_);
        answers_ = true;
        changed_.notify_all();
    }
    void wait_until_asked(std::size_t times) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::seconds(20), [&] { return asked_ >= times; }))
            throw std::runtime_error("nobody asks the name server");
    }
    [[nodiscard]] std::size_t asked() {
        const std::lock_guard lock(mutex_);
        return asked_;
    }

    /// How `server` is asked.
    static std::function<addresses(const std::string&, std::string&)> lookup(
        const std::shared_ptr<slow_name_server>& server) {
        return [server](const std::string& endpoint, std::string& problem) {
            return server->find(endpoint, problem);
        };
    }

private:
    addresses find(const std::string& endpoint, std::string& problem) {
        std::unique_lock lock(mutex_);
        ++asked_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return answers_ || known_.count(endpoint) != 0; });
        const auto found = known_.find(endpoint);
        if (found != known_.end() && !found->second.empty()) return found->second;
        problem = "no such host";
        return {};
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    bool answers_ = false;
    std::size_t asked_ = 0;
    std::map<std::string, addresses> known_;
};

}  // namespace dunlin::tests
