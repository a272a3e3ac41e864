// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace dunlin::program {
namespace {

void write_all(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

}  // namespace

bool terminal::present() noexcept { return ::isatty(STDOUT_FILENO) == 1; }

terminal::terminal() {
    termios keys{};
    if (::tcgetattr(STDIN_FILENO, &keys) == 0) {
        keys_ = keys;
        keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        // Stopped or ended that way, it could not give the terminal back.
        keys.c_cc[VSUSP] = _POSIX_VDISABLE;
        keys.c_cc[VQUIT] = _POSIX_VDISABLE;
        keys.c_cc[VMIN] = 0;
        keys.c_cc[VTIME] = 0;
        ::tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    }
    write_all("\033[?1049h\033[?25l\033[H\033[2J");
}

terminal::~terminal() {
    write_all("\033[?25h\033[?1049l");
    if (keys_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &*keys_);
}

screen_size terminal::size() noexcept {
    winsize window{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 ||
        window.ws_row == 0)
        return {80, 24};
    return {window.ws_col, window.ws_row};
}

void terminal::show(const std::string& page) {
    std::string text = "\033[H";
    std::size_t at = 0;
    while (at < page.size()) {
        const std::size_t end = std::min(page.find('\n', at), page.size());
        // Each line is cleared behind its text only, so nothing flickers; and a line break after
        // the last one would scroll.
        if (at > 0) text += "\n";
        text.append(page, at, end - at).append("\033[K");
        at = end + 1;
    }
    write_all(text + "\033[J");
}

std::string terminal::pressed() {
    std::array<char, 64> taken{};
    const auto count = ::read(STDIN_FILENO, taken.data(), taken.size());
    return {taken.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

}  // namespace dunlin::program
