// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_rounds.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <system_error>
#include <utility>

namespace dunlin::program {

top_rounds::top_rounds(cluster_poll poll, std::chrono::milliseconds interval)
    : poll_(std::move(poll)),
      ready_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (ready_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    thread_ = std::thread([this, interval] { run(interval); });
}

top_rounds::~top_rounds() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    stop_.notify_all();
    thread_.join();
    ::close(ready_);
}

std::optional<result<observation>> top_rounds::take() {
    std::uint64_t count = 0;
    (void)!::read(ready_, &count, sizeof count);
    const std::lock_guard lock(mutex_);
    return std::exchange(last_, std::nullopt);
}

void top_rounds::run(std::chrono::milliseconds interval) {
    auto next = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        std::optional<result<observation>> seen;
        try {
            seen = poll_.round();
        } catch (const std::exception& why) {  // no memory, no thread
            seen = error{errc::internal, why.what()};
        }
        lock.lock();
        last_ = std::move(seen);
        const std::uint64_t one = 1;
        (void)!::write(ready_, &one, sizeof one);
        next = std::max(next + interval, std::chrono::steady_clock::now());
        stop_.wait_until(lock, next, [this] { return stopping_; });
    }
}

}  // namespace dunlin::program
