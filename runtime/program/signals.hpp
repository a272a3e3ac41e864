// SPDX-License-Identifier: Apache-2.0
//
// SIGINT and SIGTERM as something to wait for.
//
// The signals are blocked and read from a descriptor, so nothing ever runs inside a handler.
// Make one before any thread is started: threads inherit the blocked signals, and none of them
// is interrupted. Owner: a verb, on the main thread; the descriptor may be polled from any.
#pragma once

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

/// While it lives a signal ends the process at once with `exit_code::interrupted`: when there is
/// nothing to clean up, or for whoever has no patience with a clean stop.
class exit_at_signal {
public:
    explicit exit_at_signal(const signals& of);
    ~exit_at_signal();
    exit_at_signal(const exit_at_signal&) = delete;
    exit_at_signal& operator=(const exit_at_signal&) = delete;

private:
    int end_fd_;
    std::thread watcher_;
};

}  // namespace dunlin::program
