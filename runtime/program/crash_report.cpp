// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/crash_report.hpp"

#include "actors/pool.hpp"
#include "actors/running_code.hpp"

#include <execinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace dunlin::program {
namespace {

struct fault {
    int signal;
    std::string_view name;
    bool has_address;
};

constexpr std::array faults{fault{SIGSEGV, "SIGSEGV", true}, fault{SIGBUS, "SIGBUS", true},
                            fault{SIGILL, "SIGILL", true}, fault{SIGFPE, "SIGFPE", true},
                            fault{SIGABRT, "SIGABRT", false}};

constexpr int frames_max = 64;

/// Text in a fixed buffer, for a handler: no memory is asked for, and what is too long is cut.
class line {
public:
    line& operator<<(std::string_view text) noexcept {
        const auto taken = std::min(text.size(), text_.size() - 1 - size_);
        std::memcpy(text_.data() + size_, text.data(), taken);
        size_ += taken;
        return *this;
    }
    line& operator<<(std::uintptr_t number) noexcept {
        std::array<char, 2 + 2 * sizeof number> digits{};
        auto at = digits.size();
        do {
            digits[--at] = "0123456789abcdef"[number % 16];
            number /= 16;
        } while (number != 0);
        return *this << "0x" << std::string_view(digits.data() + at, digits.size() - at);
    }
    void write() noexcept {
        text_[size_++] = '\n';
        for (std::size_t done = 0; done < size_;) {
            const auto wrote = ::write(STDERR_FILENO, text_.data() + done, size_ - done);
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote <= 0) return;
            done += static_cast<std::size_t>(wrote);
        }
    }

private:
    std::array<char, 1024> text_{};
    std::size_t size_ = 0;
};

std::string_view name_of(int signal) noexcept {
    for (const auto& each : faults)
        if (each.signal == signal) return each.name;
    return "a signal";
}

bool has_address(int signal) noexcept {
    for (const auto& each : faults)
        if (each.signal == signal) return each.has_address;
    return false;
}

std::atomic_flag reported;

void report(int signal, siginfo_t* info, void* /*context*/) {
    const int error_before = errno;
    // Of several threads that crash at the same moment, one tells; the process ends with it.
    if (!reported.test_and_set()) {
        line said;
        said << "dunlin: crash, " << name_of(signal);
        // si_code is positive for what the kernel found, and not for what a process has sent.
        if (has_address(signal) && info->si_code > 0)
            said << " at address " << reinterpret_cast<std::uintptr_t>(info->si_addr);
        auto* running = actors::running_here.function.load(std::memory_order_relaxed);
        if (running != nullptr)
            said << ", in function " << running->info().name << " of module "
                 << running->info().module_name << " " << running->info().module_version;
        else
            said << ", in no function";
        said << "; the stack:";
        said.write();
        std::array<void*, frames_max> frames{};
        const int count = ::backtrace(frames.data(), frames_max);
        ::backtrace_symbols_fd(frames.data(), count, STDERR_FILENO);
    } else {
        for (;;) ::pause();
    }
    errno = error_before;
    // Blocked until this returns, and then it does what it would have done without a handler.
    std::signal(signal, SIG_DFL);
    ::raise(signal);
}

}  // namespace

void report_crashes() {
    // The first call loads a library, which a handler must not.
    void* nothing = nullptr;
    ::backtrace(&nothing, 1);
    actors::want_signal_stacks(true);
    struct sigaction action {};
    action.sa_sigaction = report;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (const auto& each : faults) ::sigaction(each.signal, &action, nullptr);
}

}  // namespace dunlin::program
