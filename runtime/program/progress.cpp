// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/progress.hpp"

#include <unistd.h>

#include <cstdio>

namespace dunlin::program {

progress::progress(results_go where)
    : shown_(::isatty(STDERR_FILENO) == 1 &&
             (where == results_go::nowhere || ::isatty(STDOUT_FILENO) == 0)) {}

bool progress::due() noexcept {
    if (!shown_) return false;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return false;
    next_ = now + std::chrono::milliseconds(100);
    return true;
}

void progress::show(const std::string& text) {
    std::fprintf(stderr, "\r\033[K%s", text.c_str());
    std::fflush(stderr);
    on_screen_ = true;
}

void progress::clear() {
    if (!on_screen_) return;
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    on_screen_ = false;
}

std::string grouped(unsigned long long number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
    return digits;
}

}  // namespace dunlin::program
