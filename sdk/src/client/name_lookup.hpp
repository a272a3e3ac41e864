// SPDX-License-Identifier: Apache-2.0
//
// Turns what is to be connected to into addresses, beside everything else.
//
// ZeroMQ would look a host's name up on the one thread that moves all messages of its context, and
// a name server that does not answer would hold up calls to other nodes, too. So an attempt to
// connect comes here first. It leaves at once when its endpoint has an address already; with a
// name it leaves when the name server has answered, or with a problem when that takes too long.
// The addresses of a name are tried in turn, one an attempt, before it is looked up again.
//
// Guarantee: every attempt that was asked for is taken once; nothing here waits, the destructor
// neither. Owned by the thread that drives, which is woken through `news`; threads of the
// resolver touch what they have found only.
#pragma once

#include "client/node_plan.hpp"
#include "support/address_resolver.hpp"
#include "support/wake_event.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace dunlin::link {

class name_lookup {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// What came of an attempt's lookup.
    struct outcome {
        std::uint32_t lane = 0;
        std::string endpoint;  // as it was asked for
        std::string address;   // an endpoint with a number for its host; empty: there is none
        std::string problem;   // why there is none
    };

    /// An answer that nobody has used is as good as a new one for this long.
    static constexpr std::chrono::seconds fresh_for{30};

    explicit name_lookup(support::wake_event& news,
                         support::address_resolver::lookup how = support::resolve);
    name_lookup(const name_lookup&) = delete;
    name_lookup& operator=(const name_lookup&) = delete;

    /// @param until when to give the attempt up; the answer may still serve the next one.
    void ask(node_plan::attempt what, time_point now, time_point until);
    /// Whether `take` has something now.
    [[nodiscard]] bool ready(time_point now) const noexcept;
    /// When it has something although no name server has answered.
    [[nodiscard]] time_point next_action() const noexcept;
    [[nodiscard]] std::vector<outcome> take(time_point now);

private:
    struct question {
        node_plan::attempt what;
        time_point until;
    };
    struct reply {
        std::string host;
        support::address_resolver::answer found;
    };
    struct known_host {
        std::vector<std::string> addresses;
        time_point found_at;
        std::map<std::string, std::size_t> tried;  // addresses, by endpoint
    };

    void tell(const std::string& host, const support::address_resolver::answer& found);
    void learn(reply& news, time_point now);

    support::wake_event& news_;

    // -- of the thread that drives -------------------------------------------------------------
    std::vector<question> open_;
    std::set<std::string> under_way_;          // hosts
    std::map<std::string, known_host> known_;  // by host
    std::vector<outcome> ready_;

    // -- from threads of the resolver ----------------------------------------------------------
    std::mutex mutex_;
    std::vector<reply> replies_;
    std::atomic<bool> any_reply_{false};

    support::address_resolver names_;  // last: it ends before what its threads touch
};

}  // namespace dunlin::link
