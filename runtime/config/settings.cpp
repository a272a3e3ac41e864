// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/settings.hpp"

#include "actors/state/space_rule.hpp"
#include "client/checks.hpp"
#include "runtime/listen_rule.hpp"
#include "runtime/text/shown_name.hpp"
#include "runtime/text/store_url.hpp"

#include <array>
#include <cstdint>

namespace dunlin::runtime {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t threads_max = 1024;
constexpr std::size_t blocking_threads_max = 65536;
constexpr std::size_t count_max = std::size_t{1} << 32;
constexpr std::size_t payload_max = std::size_t{1} << 30;
constexpr std::size_t size_max = std::size_t{1} << 40;

result<void> check_cluster_name(std::string_view name) {
    if (name.empty()) return {errc::invalid_argument, "a cluster's name is not empty"};
    return check_shown_name(name);
}

// The order is the order of the help and of --print-config.
const std::array rows{
    setting{
        "--listen", "node", "listen", "ENDPOINT",
        "Where lane 0 listens; port 0 takes a free one. Further lanes take free ports beside it.",
        text_field{[](settings& s) -> std::string& { return s.node.listen; }, false,
                   check_listens_at}},
    setting{
        "--module", "node", "modules", "FILE",
        "Modules to load: a shared object's path, or the bare name of an installed module.",
        list_field{[](settings& s) -> std::vector<std::string>& { return s.node.modules; }, true}},
    setting{"--name", "node", "name", "TEXT",
            "The node's name in handshakes and logs. Empty: host name and process id.",
            text_field{[](settings& s) -> std::string& { return s.node.name; }, false,
                       check_shown_name}},
    setting{"--insecure", "node", "insecure", "",
            "Listen on an address that other machines reach, without a key. Anyone may call then.",
            switch_field{[](settings& s) -> bool& { return s.node.insecure; }}},
    setting{"--drain-timeout", "node", "drain_timeout", "DURATION",
            "How long a stopping node waits for running calls before it answers them itself.",
            duration_field{
                [](settings& s) -> std::chrono::microseconds& { return s.node.drain_timeout; }, 0s,
                24h}},

    setting{"--key", "security", "key", "FILE",
            "The key that the nodes of a cluster share; `dunlin keygen` makes it. Encrypts all "
            "links.",
            text_field{[](settings& s) -> std::string& { return s.node.key; }, true}},
    setting{"--allow", "security", "allow", "FILE",
            "Who else may connect to a node with a key, and call what. Read anew when it changes.",
            text_field{[](settings& s) -> std::string& { return s.node.allow; }, true}},

    setting{"--join", "cluster", "join", "ENDPOINT",
            "Nodes to form a cluster with; any living member will do, and names with several "
            "addresses.",
            list_field{[](settings& s) -> std::vector<std::string>& { return s.node.join; }, false,
                       link::check_endpoint}},
    setting{"--cluster", "cluster", "name", "TEXT",
            "The cluster's name. Nodes of different clusters never talk to each other.",
            text_field{[](settings& s) -> std::string& { return s.node.cluster; }, false,
                       check_cluster_name}},
    setting{"--advertise", "cluster", "advertise", "HOST",
            "The host that other nodes reach this one by. Empty: where it listens.",
            text_field{[](settings& s) -> std::string& { return s.node.advertise; }, false,
                       check_shown_name}},
    setting{
        "--join-timeout", "cluster", "join_timeout", "DURATION",
        "How long a start waits for the nodes to join; then it serves alone and goes on trying.",
        duration_field{
            [](settings& s) -> std::chrono::microseconds& { return s.node.join_timeout; }, 0s,
            24h}},
    setting{"--probe-period", "cluster", "probe_period", "DURATION",
            "How often a member is asked whether it lives.",
            duration_field{
                [](settings& s) -> std::chrono::microseconds& { return s.node.probe_period; }, 10ms,
                1min}},
    setting{
        "--suspicion", "cluster", "suspicion", "DURATION",
        "How long a member that did not answer has to say otherwise before it counts as dead.",
        duration_field{[](settings& s) -> std::chrono::microseconds& { return s.node.suspicion; },
                       10ms, 10min}},

    setting{
        "--lanes", "threads", "lanes", "COUNT",
        "Threads that own sockets and run short functions. 0: one per four cores, at least one.",
        count_field{[](settings& s) -> std::size_t& { return s.node.lanes; }, 0, 64}},
    setting{"--scheduler-threads", "threads", "scheduler_threads", "COUNT",
            "Threads for long functions. 0: one per core, at least four.",
            count_field{[](settings& s) -> std::size_t& { return s.node.scheduler_threads; }, 0,
                        threads_max}},
    setting{"--blocking-threads-max", "threads", "blocking_threads_max", "COUNT",
            "Threads for functions declared blocking, at most; made when calls need them.",
            count_field{[](settings& s) -> std::size_t& { return s.node.blocking_threads_max; }, 1,
                        blocking_threads_max}},
    setting{"--lane-hold-max", "threads", "lane_hold_max", "DURATION",
            "A lane whose function runs longer than this is taken over by another thread.",
            duration_field{
                [](settings& s) -> std::chrono::microseconds& { return s.node.lane_hold_max; }, 1ms,
                24h}},
    setting{
        "--busy-poll", "threads", "busy_poll", "DURATION",
        "How long a lane looks for an answer of another node before it sleeps, as long as that "
        "finds some. 0s: it sleeps at once.",
        duration_field{[](settings& s) -> std::chrono::microseconds& { return s.node.busy_poll; },
                       0s, 10ms}},
    setting{
        "--idle-poll", "threads", "idle_poll", "DURATION",
        "The same while no answer is due, mostly for calls. 0s: it sleeps at once.",
        duration_field{[](settings& s) -> std::chrono::microseconds& { return s.node.idle_poll; },
                       0s, 10ms}},

    setting{"--activations", "pools", "activations", "COUNT",
            "Actors per function at most. 0: as many as are of use, by its kind.",
            count_field{[](settings& s) -> std::size_t& { return s.node.activations; }, 0,
                        std::size_t{1} << 20}},
    setting{"--queue-depth-max", "pools", "queue_depth_max", "COUNT",
            "Invocations that may wait for one function; one more is answered overloaded.",
            count_field{[](settings& s) -> std::size_t& { return s.node.queue_depth_max; }, 1,
                        count_max}},
    setting{"--queue-bytes-max", "pools", "queue_bytes_max", "SIZE",
            "The budget of memory for calls, replies and actors; a call beyond it is answered "
            "overloaded.",
            size_field{[](settings& s) -> std::size_t& { return s.node.queue_bytes_max; }, 1024,
                       size_max}},

    setting{"--data", "state", "data", "DIR",
            "The folder of the embedded store. Not set: dunlin-data in the working directory, made "
            "when a call first needs it.",
            text_field{[](settings& s) -> std::string& { return s.node.state.data; }, true}},
    setting{"--store", "state", "store", "URL",
            "The PostgreSQL that all nodes of the cluster share, in place of a folder of each: "
            "postgres://USER@HOST:PORT/DATABASE. The password is better in PGPASSWORD, in a file "
            "that PGPASSFILE names, or in the file of --config, than where others see it.",
            text_field{[](settings& s) -> std::string& { return s.node.state.store; }, false,
                       check_store_url}},
    setting{"--cache-bytes-max", "state", "cache_bytes_max", "SIZE",
            "Values of keyed functions that stay in memory.",
            size_field{[](settings& s) -> std::size_t& { return s.node.state.cache_bytes_max; },
                       1024, size_max}},
    setting{"--key-waiting-max", "state", "waiting_max", "COUNT",
            "Calls that may wait for their turn at one key; one more is answered overloaded.",
            count_field{[](settings& s) -> std::size_t& { return s.node.state.waiting_max; }, 1,
                        count_max}},
    setting{"--relaxed-delay-max", "state", "relaxed_delay_max", "DURATION",
            "What a crash may cost a relaxed space: the changes of this time.",
            duration_field{[](settings& s) -> std::chrono::microseconds& {
                               return s.node.state.relaxed_delay_max;
                           },
                           1ms, 1h}},
    setting{"--relaxed-bytes-max", "state", "relaxed_bytes_max", "SIZE",
            "... or so much of changed values, of all such spaces, if that is less.",
            size_field{[](settings& s) -> std::size_t& { return s.node.state.relaxed_bytes_max; },
                       1024, size_max}},
    setting{
        "--durable", "state", "durable", "SPACE",
        "Spaces that are durable, whatever their functions' author says.",
        list_field{[](settings& s) -> std::vector<std::string>& { return s.node.state.durable; },
                   false, actors::check_space_name}},
    setting{
        "--relaxed", "state", "relaxed", "SPACE",
        "... that are stored a while after the reply has left.",
        list_field{[](settings& s) -> std::vector<std::string>& { return s.node.state.relaxed; },
                   false, actors::check_space_name}},
    setting{
        "--ephemeral", "state", "ephemeral", "SPACE", "... that are never stored.",
        list_field{[](settings& s) -> std::vector<std::string>& { return s.node.state.ephemeral; },
                   false, actors::check_space_name}},

    setting{"--in-flight-max", "limits", "in_flight_max", "COUNT",
            "Unanswered calls that one connection may have.",
            count_field{[](settings& s) -> std::size_t& { return s.node.in_flight_max; }, 1,
                        count_max}},
    setting{"--payload-bytes-max", "limits", "payload_bytes_max", "SIZE",
            "The largest payload of a call or a reply.",
            size_field{[](settings& s) -> std::size_t& { return s.node.payload_bytes_max; }, 1024,
                       payload_max}},
    setting{"--backlog-bytes-max", "limits", "backlog_bytes_max", "SIZE",
            "Replies kept for a connection that reads too slowly before it is given up.",
            size_field{[](settings& s) -> std::size_t& { return s.node.backlog_bytes_max; }, 1024,
                       size_max}},

    setting{
        "--replies-bytes-max", "limits", "replies_bytes_max", "SIZE",
        "Replies that all connections together have not read, part of queue-bytes-max; beyond it "
        "the slowest are given up.",
        size_field{[](settings& s) -> std::size_t& { return s.node.replies_bytes_max; }, 1024,
                   size_max}},

    setting{"--dedupe-window", "dedupe", "window", "DURATION",
            "How long a call is remembered, so that it does not run again when it arrives again.",
            duration_field{
                [](settings& s) -> std::chrono::microseconds& { return s.node.dedupe.window; }, 0s,
                24h}},
    setting{"--dedupe-calls-max", "dedupe", "calls_max", "COUNT",
            "Calls that are remembered at most, the running ones included. 0: none.",
            count_field{[](settings& s) -> std::size_t& { return s.node.dedupe.calls_max; }, 0,
                        count_max}},
    setting{"--dedupe-bytes-max", "dedupe", "bytes_max", "SIZE",
            "What the answers of remembered calls may weigh together; the oldest go first.",
            size_field{[](settings& s) -> std::size_t& { return s.node.dedupe.bytes_max; }, 0,
                       size_max}},

    setting{"--log-level", "log", "level", "trace|debug|info|warn|error|off",
            "The least important lines that are logged, on standard error.",
            text_field{[](settings& s) -> std::string& { return s.log.level; }}},
    setting{"--log-format", "log", "format", "text|json", "How a log line is written.",
            text_field{[](settings& s) -> std::string& { return s.log.format; }}},
};

}  // namespace

std::string setting::full_key() const { return std::string(table) + "." + std::string(key); }

std::span<const setting> all_settings() { return rows; }

}  // namespace dunlin::runtime
