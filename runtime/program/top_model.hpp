// SPDX-License-Identifier: Apache-2.0
//
// What goes on in a cluster: rates and latencies from what its nodes had counted at two moments.
//
// Each node's rates are over the time between its own two answers, so one that missed a round is
// not shown idle and then twice as busy. A process is known by its instance: after a restart its
// figures start anew. Plain class; one thread.
#pragma once

#include "runtime/program/member_list.hpp"
#include "runtime/program/top_sample.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::program {

/// What nodes said in one round of questions.
struct observation {
    /// As the asked node sees them.
    std::vector<member> members;
    struct answer {
        node_sample sample;
        std::int64_t taken_ns = 0;
    };
    /// By instance; who did not answer is missing.
    std::map<std::uint64_t, answer> answers;
    /// By instance: who was asked.
    std::vector<std::uint64_t> asked;
};

/// What a node did in the last interval. Rates are per second.
struct node_rates {
    double seconds = 0;       // between the two answers
    std::uint64_t calls = 0;  // that its functions ran
    double calls_rate = 0;
    double forwarded_rate = 0;
    double retried_rate = 0;
};

struct top_node {
    std::string name;
    std::string state;
    std::uint64_t instance = 0;
    bool asked_for_members = false;
    bool asked = true;
    bool answers = false;
    std::uint64_t calls_open = 0;  // now
    double busy = 0;               // of late, 0 to 1
    /// Once it has answered twice.
    std::optional<node_rates> rates;
};

/// Over all nodes that answered.
struct top_function {
    std::string name;
    std::uint64_t calls = 0;  // in the last interval
    double calls_rate = 0;
    double refused_rate = 0;
    latency_buckets latency = {};   // of the last interval
    std::uint64_t queue_depth = 0;  // now
    std::size_t nodes = 0;          // that serve it
    std::uint64_t stuck = 0;        // calls that ought to have returned, now
};

struct top_model {
    /// Of the node that listed the members.
    std::string asked;
    /// By name; only those that live.
    std::vector<top_node> nodes;
    /// Those with stuck calls first, then the most called.
    std::vector<top_function> functions;
    /// So many of them are scrolled past.
    std::size_t functions_above = 0;
};

class top_history {
public:
    /// Compares with the last answer of each node, and keeps these for the next time.
    [[nodiscard]] top_model add(const observation& seen);

private:
    std::map<std::uint64_t, observation::answer> last_;  // of living members only
};

}  // namespace dunlin::program
