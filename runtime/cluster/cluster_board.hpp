// SPDX-License-Identifier: Apache-2.0
//
// What the membership shows to the rest of its node.
//
// The lane that drives the membership writes; those who ask for the nodes, or wait for this one to
// join, reads. Any thread.
#pragma once

#include <dunlin/result.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::runtime {

/// One line of `dunlin nodes`.
struct node_status {
    std::string name;
    std::string state;  // alive, suspect, draining, dead or left
    std::uint64_t instance = 0;
    std::uint64_t incarnation = 0;
    std::string version;
    std::vector<std::string> endpoints;
    std::int64_t rtt_us = 0;  // 0: unknown, or the node itself
    double busy = 0;          // share of time in use, of its busiest function
    bool self = false;
};

struct membership_counts {
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_received = 0;
    std::uint64_t messages_refused = 0;  // could not be read
    std::uint64_t deaths = 0;            // of others, as this node came to know
    std::uint64_t refutations = 0;       // this node was suspected or declared dead, and said no
};

class cluster_board {
public:
    void show(std::vector<node_status> nodes, const membership_counts& counts) {
        auto shared = std::make_shared<const std::vector<node_status>>(std::move(nodes));
        const std::lock_guard lock(mutex_);
        nodes_ = std::move(shared);
        counts_ = counts;
    }
    void count(const membership_counts& counts) {
        const std::lock_guard lock(mutex_);
        counts_ = counts;
    }
    /// Never null.
    [[nodiscard]] std::shared_ptr<const std::vector<node_status>> nodes() const {
        const std::lock_guard lock(mutex_);
        return nodes_;
    }
    [[nodiscard]] membership_counts counts() const {
        const std::lock_guard lock(mutex_);
        return counts_;
    }

    /// What is to happen when somebody asks this node to drain.
    void on_drain(std::function<void()> asked) {
        const std::lock_guard lock(mutex_);
        on_drain_ = std::move(asked);
    }
    [[nodiscard]] bool can_drain() const {
        const std::lock_guard lock(mutex_);
        return static_cast<bool>(on_drain_);
    }
    /// @returns false if nobody has said what that means.
    [[nodiscard]] bool ask_to_drain() {
        std::function<void()> asked;
        {
            const std::lock_guard lock(mutex_);
            asked = on_drain_;
        }
        if (asked) asked();
        return static_cast<bool>(asked);
    }

    /// How the membership is asked whether this node may drain; it answers with `decide_drain`.
    void on_drain_question(std::function<void()> ask) {
        const std::lock_guard lock(mutex_);
        ask_membership_ = std::move(ask);
    }
    void decide_drain(bool may) {
        const std::lock_guard lock(mutex_);
        may_drain_ = may;
        drain_decided_.notify_all();
    }
    /// Whether this node may drain. Nothing if that is not known after `patience`.
    [[nodiscard]] std::optional<bool> may_drain(std::chrono::microseconds patience) {
        std::function<void()> ask;
        {
            const std::lock_guard lock(mutex_);
            may_drain_.reset();
            ask = ask_membership_;
        }
        if (ask) ask();
        std::unique_lock lock(mutex_);
        drain_decided_.wait_for(lock, patience, [this] { return may_drain_.has_value(); });
        return may_drain_;
    }

    /// The node has become part of a cluster of others, or was refused by it for good. The first
    /// word counts.
    void decide(result<void> joined) {
        const std::lock_guard lock(mutex_);
        if (!joined_) joined_ = std::move(joined);
        decided_.notify_all();
    }
    /// Why the node was most likely refused, if it is still undecided when patience ends.
    void expect_refusal(std::optional<error> why) {
        const std::lock_guard lock(mutex_);
        expected_ = std::move(why);
    }
    /// Nothing if it is still undecided after `patience`.
    [[nodiscard]] std::optional<result<void>> wait_joined(std::chrono::microseconds patience) {
        std::unique_lock lock(mutex_);
        decided_.wait_for(lock, patience, [this] { return joined_.has_value(); });
        if (!joined_ && expected_) return result<void>(*expected_);
        return joined_;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable decided_;
    std::shared_ptr<const std::vector<node_status>> nodes_ =
        std::make_shared<const std::vector<node_status>>();
    membership_counts counts_;
    std::optional<result<void>> joined_;
    std::optional<error> expected_;
    std::function<void()> on_drain_;
    std::function<void()> ask_membership_;
    std::condition_variable drain_decided_;
    std::optional<bool> may_drain_;
};

}  // namespace dunlin::runtime
