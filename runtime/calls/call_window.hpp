// SPDX-License-Identifier: Apache-2.0
//
// Which calls this node has taken recently, so that one that arrives again does not run again.
//
// Repeats come over other connections, and so to other lanes: one window serves the whole node, in
// shards with a lock each, of which a call takes two short turns. While a call runs, repeats wait
// at it, each with an entry in the ledger of its own lane; the one that runs the call hands its
// answer to all of them. Each shard keeps the shares of callers by itself, which is nearly the
// same, as the calls of each are spread evenly over them. A call whose first caller has gone runs
// on for the repeats, and is stopped when the last of them has gone too. Thread-safe. What is
// decided is `cluster::dedupe_window`'s; what stands here is who waits.
#pragma once

#include "actors/answer_port.hpp"
#include "cluster/dedupe_window.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dunlin::runtime {

struct call_window_options {
    std::size_t calls_max = 65536;  // 0: nothing is remembered
    std::size_t bytes_max = std::size_t{32} << 20;
    std::int64_t window_ns = 30'000'000'000;
    std::size_t lanes = 1;
    std::uint64_t seed = 0;
};

class call_window {
public:
    using verdict = cluster::dedupe_window::verdict;

    /// A running call that the window knows. Valid until it is finished or withdrawn.
    struct ticket {
        std::uint32_t shard = 0;
        cluster::dedupe_window::place place = cluster::dedupe_window::nowhere;
        explicit operator bool() const noexcept { return place != cluster::dedupe_window::nowhere; }
    };
    /// A repeat that waits for the answer.
    struct waiter {
        actors::answer_port* port = nullptr;
        actors::answer_address address;
        friend bool operator==(const waiter&, const waiter&) = default;
    };
    /// What runs a call that nobody but repeats waits for.
    struct orphan {
        actors::call_carrier* carrier = nullptr;
        actors::answer_address address;
    };
    struct begun {
        verdict what = verdict::fresh;
        ticket call;
        bytes reply;
    };
    struct figures {
        cluster::dedupe_window::counts counted;
        std::size_t calls = 0;
        std::size_t bytes = 0;
    };

    explicit call_window(const call_window_options& options);

    /// Whether anything is remembered here.
    [[nodiscard]] bool enabled() const noexcept { return enabled_; }

    /// A call arrived from that caller. When it runs already, `make_waiter(ticket)` says who waits
    /// for it, or `std::nullopt` if nobody may: then it is `unprotected`.
    template <class MakeWaiter>
    [[nodiscard]] begun begin(const cluster::call_name& name, std::int64_t now_ns,
                              MakeWaiter&& make_waiter, const cluster::window_share& from = {}) {
        const auto which = shard_of(name);
        auto& in = *shards_[which];
        std::lock_guard lock(in.mutex);
        auto answer = in.window.begin(name, now_ns, from);
        const ticket call{which, answer.at};
        if (answer.what == verdict::running) {
            const std::optional<waiter> waits = make_waiter(call);
            if (!waits) return {verdict::unprotected, {}, {}};
            in.awaited[answer.at].waiters.push_back(*waits);
        }
        return {answer.what, call, std::move(answer.reply)};
    }

    /// Whether a reply of that size may be kept.
    [[nodiscard]] bool keeps(std::size_t reply_bytes) const noexcept {
        return shards_.front()->window.keeps(reply_bytes);
    }
    // The call is over. @returns who waits for its answer.
    [[nodiscard]] std::vector<waiter> finish(ticket call, bytes reply, std::int64_t now_ns);
    /// ... with a reply of at most `dedupe_window::small_bytes_max`.
    [[nodiscard]] std::vector<waiter> finish_small(ticket call, bytes_view reply,
                                                   std::int64_t now_ns);
    [[nodiscard]] std::vector<waiter> finish_too_large(ticket call, std::int64_t now_ns);
    /// ... with nothing that a repeat could use.
    [[nodiscard]] std::vector<waiter> finish(ticket call, std::int64_t now_ns);
    /// ... and did not run.
    [[nodiscard]] std::vector<waiter> withdraw(ticket call);

    /// The first caller has gone. @returns whether repeats wait: then it runs on, and
    /// the last of them to leave is told of `running`.
    [[nodiscard]] bool orphaned(ticket call, orphan running);
    /// Nobody waits there any more.
    /// @returns what to stop, if the call is an orphan and nobody waits for it now.
    [[nodiscard]] std::optional<orphan> leave(ticket call, const waiter& leaving);
    /// Whether repeats wait for the call.
    [[nodiscard]] bool is_awaited(ticket call);

    [[nodiscard]] figures counted() const;

private:
    struct awaited_call {
        std::vector<waiter> waiters;
        std::optional<orphan> running;
    };
    struct shard {
        shard(const cluster::dedupe_window::limits& bounds, std::uint64_t seed)
            : window(bounds, seed) {}
        mutable std::mutex mutex;
        cluster::dedupe_window window;
        // Nearly always empty: of the calls that run, those that were repeated.
        std::unordered_map<cluster::dedupe_window::place, awaited_call> awaited;

        [[nodiscard]] std::vector<waiter> take_waiters(cluster::dedupe_window::place call);
    };

    [[nodiscard]] std::uint32_t shard_of(const cluster::call_name& name) const noexcept;

    const bool enabled_;
    const std::uint64_t seed_;
    std::vector<std::unique_ptr<shard>> shards_;  // a power of two
};

}  // namespace dunlin::runtime
