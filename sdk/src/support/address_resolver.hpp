// SPDX-License-Identifier: Apache-2.0
//
// Resolves host names asynchronously: no thread of the caller waits for a name server.
//
// A name server that does not answer blocks getaddrinfo(3) for ten seconds and more. ZeroMQ asks
// on the one thread that moves all its messages, so it gets addresses only, and names come here
// first. Each question has a thread of its own, up to a limit; the caller goes on, and is told
// later or never. A thread that waits for a name server cannot be ended: it is detached, finds that
// its answer is not wanted any more, and ends.
// `ask` and the destructor from any thread. Receivers are called on threads of this, one at a time,
// never after the destructor has begun to return, and must neither ask nor wait.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::support {

/// The addresses of one endpoint, as endpoints; empty if its name has none (`problem` says why).
/// Waits for the name server.
[[nodiscard]] std::vector<std::string> resolve(const std::string& endpoint, std::string& problem);

/// Whether the host of an endpoint is an address, so that there is nothing to look up.
[[nodiscard]] bool is_numeric(std::string_view endpoint) noexcept;

class address_resolver {
public:
    using lookup = std::function<std::vector<std::string>(const std::string&, std::string&)>;
    struct answer {
        std::vector<std::string> addresses;  // endpoints
        std::string problem;                 // why there are none
    };
    using receiver = std::function<void(const answer&)>;

    /// Names that are looked up at a time; others wait for one of those.
    static constexpr std::size_t threads_max = 8;

    explicit address_resolver(lookup how = resolve);
    ~address_resolver();
    address_resolver(const address_resolver&) = delete;
    address_resolver& operator=(const address_resolver&) = delete;

    /// An endpoint that is being looked up already is not looked up twice.
    void ask(const std::string& endpoint, receiver found);

private:
    struct shared;
    static void work(const std::shared_ptr<shared>& with);
    std::shared_ptr<shared> shared_;
};

}  // namespace dunlin::support
