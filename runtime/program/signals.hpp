// SPDX-License-Identifier: Apache-2.0
//
// SIGINT and SIGTERM as something to wait for.
//
// The signals are blocked and read from a descriptor, so nothing but a last exit ever runs inside a
// handler.
// Make one before any thread is started: threads inherit the blocked signals, and none of them
// is interrupted. Owner: a verb, on the main thread; the descriptor may be polled from any.
#pragma once

#include <optional>
#include <thread>

namespace dunlin::program {

class signals {
public:
    signals();
    ~signals();
    signals(const signals&) = delete;
    signals& operator=(const signals&) = delete;

    /// Readable once a signal has come.
    [[nodiscard]] int fd() const noexcept { return fd_; }
    /// Waits for the next signal and takes it.
    void wait() const noexcept;

private:
    int fd_;
};

/// While it lives a signal ends the process at once with `exit_code::interrupted`, on the thread
/// that made this and without another: while modules are loaded and threads may be refused. Threads
/// made meanwhile have to block signals themselves, or go on to end the process when this is gone.
class exit_in_handler {
public:
    exit_in_handler();
    ~exit_in_handler();
    exit_in_handler(const exit_in_handler&) = delete;
    exit_in_handler& operator=(const exit_in_handler&) = delete;
};

/// The same with a thread that watches: when there is nothing to clean up, or for a user who does
/// not wait for a clean stop. At a limit of threads or descriptors a handler takes its place.
class exit_at_signal {
public:
    explicit exit_at_signal(const signals& of);
    ~exit_at_signal();
    exit_at_signal(const exit_at_signal&) = delete;
    exit_at_signal& operator=(const exit_at_signal&) = delete;

private:
    void watch(const signals& of);

    int end_fd_ = -1;
    std::thread watcher_;
    std::optional<exit_in_handler> instead_;
};

}  // namespace dunlin::program
