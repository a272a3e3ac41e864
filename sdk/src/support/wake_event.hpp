// SPDX-License-Identifier: Apache-2.0
//
// Wakes a thread that sleeps in poll, from any other thread.
//
// A signal is never lost: one given before the sleeper polls makes that poll return at once, and
// many become one. Each costs a system call, so a caller first makes sure that the other side
// sleeps. `signal` from any thread, the rest from the sleeper.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace dunlin::support {

class wake_event {
public:
    wake_event() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    wake_event(const wake_event&) = delete;
    wake_event& operator=(const wake_event&) = delete;
    ~wake_event() { ::close(fd_); }

    void signal() noexcept {
        const std::uint64_t one = 1;
        // Fails only when the counter is full, and then it is readable anyway.
        [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
    }
    void drain() noexcept {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);
    }
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    int fd_;
};

}  // namespace dunlin::support
