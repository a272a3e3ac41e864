// SPDX-License-Identifier: Apache-2.0
//
// What goes on in a cluster: rates and latencies from what its nodes had counted at two moments.
//
// Each node's rates are over the time between its own two answers, so one that missed a round is
// not shown idle and then twice as busy. A process is known by its instance: after a restart its
// figures start anew. A counter that has gone back belongs to such a process, and all of it is new.
// Plain classes; one thread.
#pragma once

#include "runtime/program/member_list.hpp"
#include "runtime/program/top_spaces.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::program {

/// The time in us that the given part of the calls, above 0 and up to 1, did not exceed: the upper
/// end of its bucket. 0 when there was no call.
[[nodiscard]] double quantile_us(const latency_buckets& counted, double part) noexcept;

struct function_sample {
    std::uint64_t invocations = 0;  // run since the start
    std::uint64_t refused = 0;      // since the start
    std::uint64_t queue_depth = 0;  // now
    latency_buckets latency = {};   // since the start
    std::uint64_t stuck = 0;        // now
    std::uint64_t activations = 0;  // now
    std::uint64_t started = 0;      // activations, since the start
    std::uint64_t retired = 0;      // activations, since the start
    std::uint64_t cold_calls = 0;   // since the start
};

/// What a node has counted at one moment.
struct node_sample {
    std::string node;
    std::uint64_t calls_open = 0;      // now
    std::uint64_t forwarded = 0;       // since the start
    std::uint64_t retried = 0;         // since the start
    double busy = 0;                   // moving average, 0 to 1
    std::uint64_t bytes_held = 0;      // now, of its budget of memory
    std::uint64_t bytes_held_max = 0;  // 0: it does not say
    /// By name, without those of the node itself (`dunlin/...`), which `top` would see itself in.
    std::map<std::string, function_sample> functions = {};
    std::map<std::string, space_sample> spaces = {};
};

/// From what `dunlin/stats` answers. Errors: `internal` for what is no map of figures.
[[nodiscard]] result<node_sample> read_sample(bytes_view payload);

/// What nodes said in one round of questions.
struct observation {
    /// As the asked node sees them.
    std::vector<member> members;
    struct answer {
        node_sample sample;
        std::int64_t taken_ns = 0;
    };
    /// By instance; those that did not answer are missing.
    std::map<std::uint64_t, answer> answers;
    /// By instance.
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
    std::uint64_t calls_open = 0;      // now
    double busy = 0;                   // moving average, 0 to 1
    std::uint64_t bytes_held = 0;      // now, of its budget of memory
    std::uint64_t bytes_held_max = 0;  // 0: it does not say
    /// Once it has answered twice.
    std::optional<node_rates> rates = {};
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
    std::uint64_t activations = 0;  // now
    double started_rate = 0;        // activations
    double retired_rate = 0;        // activations
    double cold_calls_rate = 0;     // calls that an activation was started for
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
    /// The most used first.
    std::vector<top_space> spaces = {};
};

class top_history {
public:
    /// Compares with the last answer of each node, and keeps these for the next time.
    [[nodiscard]] top_model add(const observation& seen);

private:
    std::map<std::uint64_t, observation::answer> last_;  // of living members only
};

/// Which functions are shown: those whose name holds a text, without those that are not called if
/// so wished, from one of them on.
class top_scroll {
public:
    explicit top_scroll(std::string filter = {}) : filter_(std::move(filter)) {}

    /// Takes keys as a terminal sends them: arrows or j and k for a line, page keys or space and b
    /// for ten, g for the top, i for idle functions on and off. True if one of them was q.
    bool press(std::string_view keys);
    /// What is left of a model.
    [[nodiscard]] top_model apply(top_model model) const;

private:
    std::string filter_;
    bool hides_idle_ = false;
    std::ptrdiff_t first_ = 0;
};

}  // namespace dunlin::program
