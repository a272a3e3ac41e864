// SPDX-License-Identifier: Apache-2.0
//
// How many bytes of replies a node keeps for those that do not read them.
//
// A reply that its peer has not read stands in ZeroMQ's queues or in the lane's backlog. Each
// connection has a bound of its own, and any number may connect, so there is one for all of them;
// beyond it the connections that hold most are given up. What counts is what stands there, whoever
// has asked for it since and has left: saying hello anew on a connection changes nothing.
// One per node, used by all its lanes and by ZeroMQ's threads, which let frames go.
#pragma once

#include <atomic>
#include <cstddef>

namespace dunlin::runtime {

class reply_budget {
public:
    explicit reply_budget(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

    void add(std::size_t bytes) noexcept { held_.fetch_add(bytes, std::memory_order_relaxed); }
    void give_back(std::size_t bytes) noexcept {
        held_.fetch_sub(bytes, std::memory_order_relaxed);
    }
    /// So much belongs to connections that have been ended, and is on its way to be given back;
    /// with the same number once it has been.
    void leaving(std::size_t bytes) noexcept {
        leaving_.fetch_add(bytes, std::memory_order_relaxed);
    }
    void left(std::size_t bytes) noexcept { leaving_.fetch_sub(bytes, std::memory_order_relaxed); }

    /// Whether more has to go than is on its way.
    [[nodiscard]] bool over() const noexcept {
        const auto held = bytes_held();
        if (held <= bytes_max_) return false;
        return held - bytes_max_ > leaving_.load(std::memory_order_relaxed);
    }
    /// Less than this is not worth a connection: there are others, on another lane perhaps.
    [[nodiscard]] std::size_t worth_a_connection() const noexcept { return bytes_max_ / 64; }

    [[nodiscard]] std::size_t bytes_held() const noexcept {
        return held_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t bytes_max() const noexcept { return bytes_max_; }

private:
    const std::size_t bytes_max_;
    std::atomic<std::size_t> held_{0};
    std::atomic<std::size_t> leaving_{0};
};

/// Large frames of one connection, from when they are made until they are written: the lane counts
/// up, whoever lets one go down.
class unsent_frames {
public:
    explicit unsent_frames(reply_budget& counted_by) noexcept : budget_(counted_by) {}

    void add(std::size_t bytes) noexcept {
        held_.fetch_add(bytes, std::memory_order_relaxed);
        budget_.add(bytes);
    }
    void give_back(std::size_t bytes) noexcept {
        held_.fetch_sub(bytes, std::memory_order_relaxed);
        budget_.give_back(bytes);
    }
    [[nodiscard]] std::size_t held() const noexcept {
        return held_.load(std::memory_order_relaxed);
    }

private:
    reply_budget& budget_;
    std::atomic<std::size_t> held_{0};
};

}  // namespace dunlin::runtime
