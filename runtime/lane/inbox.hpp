// SPDX-License-Identifier: Apache-2.0
//
// What other threads have for a lane: answers of work that ran elsewhere, timers, orders.
//
// A multi-producer queue with one eventfd, which is written only when the lane sleeps. Bounded by
// construction: an answer belongs to an admitted call, a timer to an open operation. A lock, not a
// lock-free queue: what comes this way has just run for 100 us or more on another thread.
// `push` from any thread; everything else is for the thread that has the lane.
#pragma once

#include "actors/answer_batch.hpp"
#include "actors/environment.hpp"
#include "actors/output_buffer.hpp"

#include <dunlin/result.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

namespace dunlin::runtime {

struct lane_timer;
struct cluster_view;

struct value_answer {
    actors::answer_address to;
    actors::output_buffer payload;
};
struct error_answer {
    actors::answer_address to;
    error why;
};
/// Many values and errors, which their calls have waited for together.
struct batch_answer {
    actors::answer_batch answers;
};
/// Before the answer of a call that ran elsewhere.
struct cold_remark {
    actors::answer_address of;
};
struct timer_change {
    std::shared_ptr<lane_timer> timer;
    bool arm = true;
};
/// Refuse new calls, tell the peers.
struct begin_drain {};
/// Answer what is left and end.
struct finish {};

/// The cluster has changed.
struct view_change {
    std::shared_ptr<const cluster_view> view;
};
/// A call between functions that may run on another node.
struct travelling_call {
    std::string function;
    actors::bundle_ptr single;
};
/// A call that waits here for a key which another node owns by now.
struct moving_call {
    actors::answer_address which;
};
/// Nobody waits any more for a call that was sent to another node.
struct carried_stop {
    actors::answer_address carried;
    errc reason = errc::cancelled;
};
/// Nodes to join, as addresses.
struct seeds_found {
    std::vector<std::string> endpoints;
};

/// What a name that a lane had looked up stands for.
struct addresses_found {
    std::string endpoint;
    std::vector<std::string> addresses;
    std::string problem;  // why there are none
};
/// Somebody asks whether this node may drain.
struct drain_question {};

/// Keys of a space that were this node's and are that one's by now, for it to read before calls
/// come.
struct key_offer {
    std::uint64_t to = 0;  // an instance
    std::string space;
    std::vector<std::string> keys;  // the hottest first
};

/// There may be news of who may connect.
struct access_change {};

using lane_command =
    std::variant<value_answer, error_answer, batch_answer, cold_remark, timer_change, begin_drain,
                 finish, view_change, travelling_call, moving_call, carried_stop, seeds_found,
                 access_change, addresses_found, drain_question, key_offer>;
/// In small pieces of memory, each of which goes when it is through: as one piece a crowd's answers
/// are megabytes, and malloc keeps the more of what is freed the larger the pieces were.
using lane_commands = std::deque<lane_command>;

class inbox {
public:
    inbox();
    ~inbox();
    inbox(const inbox&) = delete;
    inbox& operator=(const inbox&) = delete;

    /// @returns false after `close`; the command is left as it was then.
    bool push(lane_command&& command);
    /// Nothing is taken from now on. What waited is still there for one last `take`.
    void close();

    /// Swaps everything that waits into `commands`, which is empty. @returns false if nothing is.
    bool take(lane_commands& commands);

    /// For the poll. Readable once something was pushed after `prepare_to_sleep`.
    [[nodiscard]] int fd() const noexcept { return fd_; }
    /// @returns false when something waits already: do not sleep.
    [[nodiscard]] bool prepare_to_sleep();
    void woke_up();

private:
    std::mutex mutex_;
    lane_commands waiting_;
    bool sleeping_ = false;
    bool signalled_ = false;
    bool closed_ = false;
    int fd_;
};

}  // namespace dunlin::runtime
