// SPDX-License-Identifier: Apache-2.0
//
// Everything a node can be told, with its default.
//
// One struct, filled from the command line and from a TOML file by `config/settings`, read
// by `node` once at start. Plain values; every queue's limit is named here or in
// `actors/limits.hpp`.
#pragma once

#include "actors/scale_wishes.hpp"

#include <dunlin/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::actors {
class state_store;
}

namespace dunlin::runtime {

/// What an operator says about one function in the node's file.
struct function_settings {
    std::string name;  // full
    actors::scale_wishes scale;
    std::string where;  // "node.toml:12:1", for what is found wrong when modules are loaded
};

/// What is remembered of calls, so that they do not run again when they arrive again.
struct dedupe_config {
    /// For how long after its end. Zero: not at all.
    std::chrono::microseconds window = std::chrono::seconds(30);
    /// Calls at most, the running ones included. Zero: none.
    std::size_t calls_max = 65536;
    /// Bytes of their answers.
    std::size_t bytes_max = std::size_t{32} << 20;
};

/// The state of keyed functions.
struct state_config {
    /// The folder of the embedded store. Empty: `dunlin-data` in the working directory, made when a
    /// call first needs it.
    std::string data;
    /// The URL of the store that all nodes of the cluster share. Empty: each node has its own.
    std::string store;
    /// Bytes of values that stay in memory.
    std::size_t cache_bytes_max = std::size_t{256} << 20;
    /// Calls that may wait for their turn at one key; one more is answered `overloaded`.
    std::size_t waiting_max = 16384;
    /// What a crash may cost a relaxed space at most: so many changed values, or changes of that
    /// time.
    std::size_t relaxed_bytes_max = std::size_t{16} << 20;
    std::chrono::microseconds relaxed_delay_max = std::chrono::seconds(1);
    /// Spaces whose mode is not the one that their functions' authors have told.
    std::vector<std::string> durable;
    std::vector<std::string> relaxed;
    std::vector<std::string> ephemeral;
    /// Whose the folder is: the node's name, if somebody has given it one. Filled in at the start.
    std::string node;
    /// Makes the store in place of what these name: for tests, in which nodes of one process share
    /// one.
    std::function<result<std::unique_ptr<actors::state_store>>()> make_store = {};
};

struct node_config {
    /// Where lane 0 listens; port 0 takes a free one. Further lanes take free ports beside it.
    std::string listen = "tcp://127.0.0.1:7440";
    /// Shared objects to load, each a module.
    std::vector<std::string> modules;
    /// The node's name in handshakes and logs. Empty: host name, process id.
    std::string name;
    /// Endpoints of nodes to form a cluster with; any living member will do.
    std::vector<std::string> join;
    /// Of this start of the node, larger than those of starts before. 0: made of the time and
    /// chance. Tests choose it.
    std::uint64_t instance = 0;
    /// Nodes of different clusters never talk to each other.
    std::string cluster = "dunlin";
    /// The host that others reach this node by. Empty: where it listens.
    std::string advertise;
    /// How long a start waits for the nodes to join before it serves alone and goes on trying.
    std::chrono::microseconds join_timeout = std::chrono::seconds(5);
    /// Members are asked this often whether they live ...
    std::chrono::microseconds probe_period = std::chrono::milliseconds(100);
    /// ... and one that did not answer has this long to say otherwise.
    std::chrono::microseconds suspicion = std::chrono::milliseconds(350);
    /// Listening beyond loopback without a key is refused unless this is set.
    bool insecure = false;

    /// The file with the key pair that the nodes of the cluster share. Empty: no encryption, and
    /// everybody may connect.
    std::string key;
    /// The allow-list: who else may connect to a node with a key, and call what. Empty: nobody.
    std::string allow;

    /// Threads that own sockets and run short functions. 0: one per four cores, at least one.
    std::size_t lanes = 0;
    /// Threads for long functions. 0: one per core, at least four.
    std::size_t scheduler_threads = 0;
    /// Threads for blocking functions at most; what is beyond them waits its turn.
    std::size_t blocking_threads_max = 1024;
    /// Actors per function at most, whatever its author says. 0: by its kind, see
    /// `actors::bounds_of`.
    std::size_t activations = 0;
    /// Single functions, which count more than that.
    std::vector<function_settings> functions;
    /// Invocations that may wait for one function; one more is answered `overloaded`.
    std::size_t queue_depth_max = 16384;
    /// Bytes that the node holds for calls: frames of those without an answer with their places in
    /// queues, what is received and not read, replies that are not read, and activations. Nine
    /// tenths of it are for calls in general, see `byte_shares`; a call beyond that is answered
    /// `overloaded`.
    std::size_t queue_bytes_max = std::size_t{512} << 20;
    /// Unanswered calls one connection may have; announced in the handshake.
    std::size_t in_flight_max = 65536;
    /// Largest payload of a call or reply; announced in the handshake.
    std::size_t payload_bytes_max = std::size_t{16} << 20;
    /// Bytes of replies kept for a connection that reads too slowly before it is given up.
    std::size_t backlog_bytes_max = std::size_t{64} << 20;
    /// Bytes of replies that all connections together have not read. Beyond it those that hold most
    /// are given up. Part of `queue_bytes_max`, of which they get a half at most.
    std::size_t replies_bytes_max = std::size_t{256} << 20;
    /// Calls that arrive again.
    dedupe_config dedupe;
    /// Where keyed functions keep their state.
    state_config state;
    /// How long a stopping node waits for running calls before it answers them itself.
    std::chrono::microseconds drain_timeout = std::chrono::seconds(10);
    /// A lane whose function runs longer than this is taken over by another thread.
    std::chrono::microseconds lane_hold_max = std::chrono::milliseconds(5);
    /// How long a lane looks for an answer of another node, which is due, before it sleeps. Zero:
    /// it sleeps at once.
    std::chrono::microseconds busy_poll{300};
    /// The same while no answer is due.
    std::chrono::microseconds idle_poll{100};
};

/// That this process may use.
[[nodiscard]] std::size_t cores() noexcept;

/// Makes up what was left to the node: its name, its instance, threads by the machine's cores; and
/// raises limits that the largest frame alone would exceed.
void fill_in_defaults(node_config& config);

}  // namespace dunlin::runtime
