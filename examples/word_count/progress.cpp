// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>

namespace word_count {

progress::progress() : terminal_(::isatty(STDERR_FILENO) == 1) {}

bool progress::due() {
    if (!terminal_) return false;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return false;
    next_ = now + std::chrono::milliseconds(100);
    return true;
}

void progress::show(const std::string& line) {
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
    visible_ = true;
}

void progress::clear() {
    if (!visible_) return;
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    visible_ = false;
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
    return digits;
}

std::string megabytes(std::uint64_t bytes) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.1f MB", static_cast<double>(bytes) / 1e6);
    return text.data();
}

std::uint64_t per_second(std::uint64_t count, double seconds) {
    if (seconds <= 0) return 0;
    return static_cast<std::uint64_t>(std::llround(static_cast<double>(count) / seconds));
}

}  // namespace word_count
