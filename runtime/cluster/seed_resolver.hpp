// SPDX-License-Identifier: Apache-2.0
//
// Turns the endpoints of `--join` into addresses, again and again.
//
// A name may have several addresses, such as that of an orchestrator's headless service, and they
// change; and looking a name up may take seconds. So a thread of its own does it and hands on what
// it finds: soon while the node is alone, rarely afterwards.
// Owned by the node; `found` is called on the thread of this.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace dunlin::runtime {

class seed_resolver {
public:
    using receiver = std::function<void(std::vector<std::string> endpoints)>;

    seed_resolver(std::vector<std::string> endpoints, receiver found);
    ~seed_resolver();
    seed_resolver(const seed_resolver&) = delete;
    seed_resolver& operator=(const seed_resolver&) = delete;

private:
    void run();

    const std::vector<std::string> endpoints_;
    const receiver found_;
    std::mutex mutex_;
    std::condition_variable stop_;
    bool stopping_ = false;
    std::thread thread_;
};

/// The addresses of one endpoint, as endpoints; empty if its name has none (`problem` says why).
[[nodiscard]] std::vector<std::string> resolve(const std::string& endpoint, std::string& problem);

}  // namespace dunlin::runtime
