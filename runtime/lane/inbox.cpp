// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/inbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace dunlin::runtime {

inbox::inbox() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

inbox::~inbox() { ::close(fd_); }

bool inbox::push(lane_command&& command) {
    std::lock_guard lock(mutex_);
    if (closed_) return false;
    waiting_.push_back(std::move(command));
    if (!sleeping_ || signalled_) return true;
    signalled_ = true;
    const std::uint64_t one = 1;
    // Cannot fail: the counter holds 2^64 - 2 and is written at most once a sleep.
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
    return true;
}

void inbox::close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
}

bool inbox::take(lane_commands& commands) {
    std::lock_guard lock(mutex_);
    commands.swap(waiting_);
    return !commands.empty();
}

bool inbox::prepare_to_sleep() {
    std::lock_guard lock(mutex_);
    sleeping_ = waiting_.empty();
    return sleeping_;
}

void inbox::woke_up() {
    std::lock_guard lock(mutex_);
    sleeping_ = false;
    if (!std::exchange(signalled_, false)) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(fd_, &count, sizeof count);
}

}  // namespace dunlin::runtime
