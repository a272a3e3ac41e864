// SPDX-License-Identifier: Apache-2.0
//
// Has the endpoints of `--join` looked up again and again.
//
// A name may have several addresses, such as that of an orchestrator's headless service, and they
// change: soon while the node is alone, rarely afterwards. What is found is handed on each time.
// Owned by the node; `found` is called on threads of the resolver, and never after the destructor,
// which does not wait for any name server.
#pragma once

#include "support/address_resolver.hpp"

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace dunlin::runtime {

class seed_resolver {
public:
    using receiver = std::function<void(std::vector<std::string> addresses)>;

    seed_resolver(std::vector<std::string> endpoints, support::address_resolver& names,
                  receiver found);
    ~seed_resolver();
    seed_resolver(const seed_resolver&) = delete;
    seed_resolver& operator=(const seed_resolver&) = delete;

private:
    struct shared;
    void run();

    const std::vector<std::string> endpoints_;
    support::address_resolver& names_;
    std::shared_ptr<shared> shared_;  // with answers that come after the end
    std::thread thread_;              // only waits
};

}  // namespace dunlin::runtime
