// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/signals.hpp"

#include "runtime/program/exit_code.hpp"
#include "runtime/program/logging.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <iterator>
#include <system_error>
#include <thread>

namespace dunlin::program {

namespace {

sigset_t both_signals() {
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    return both;
}

extern "C" void exit_now(int /*number*/) { ::_exit(exit_code::interrupted); }

}  // namespace

signals::signals() {
    const auto both = both_signals();
    ::pthread_sigmask(SIG_BLOCK, &both, nullptr);
    fd_ = ::signalfd(-1, &both, SFD_CLOEXEC);
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
}

signals::~signals() { ::close(fd_); }

void signals::wait() const noexcept {
    signalfd_siginfo info{};
    while (::read(fd_, &info, sizeof info) < 0 && errno == EINTR) {
    }
}

exit_in_handler::exit_in_handler() {
    std::signal(SIGINT, exit_now);
    std::signal(SIGTERM, exit_now);
    const auto both = both_signals();
    ::pthread_sigmask(SIG_UNBLOCK, &both, nullptr);
}

exit_in_handler::~exit_in_handler() {
    const auto both = both_signals();
    ::pthread_sigmask(SIG_BLOCK, &both, nullptr);
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
}

exit_at_signal::exit_at_signal(const signals& of) {
    try {
        watch(of);
    } catch (const std::system_error&) {
        instead_.emplace();
    }
}

void exit_at_signal::watch(const signals& of) {
    end_fd_ = ::eventfd(0, EFD_CLOEXEC);
    if (end_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    watcher_ = std::thread([signal_fd = of.fd(), end_fd = end_fd_] {
        pollfd sources[]{{signal_fd, POLLIN, 0}, {end_fd, POLLIN, 0}};
        while (::poll(sources, std::size(sources), -1) < 0) {
        }
        if (sources[1].revents != 0) return;
        flush_log(std::chrono::milliseconds(50));
        ::_exit(exit_code::interrupted);
    });
}

exit_at_signal::~exit_at_signal() {
    if (watcher_.joinable()) {
        const std::uint64_t one = 1;
        (void)!::write(end_fd_, &one, sizeof one);
        watcher_.join();
    }
    if (end_fd_ >= 0) ::close(end_fd_);
}

}  // namespace dunlin::program
