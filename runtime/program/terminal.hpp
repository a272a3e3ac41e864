// SPDX-License-Identifier: Apache-2.0
//
// A terminal that shows one page after another in the same place, and is given back as it was.
//
// While it lives the page is on the terminal's other screen, the cursor is hidden, and keys are
// read one by one without an echo. Only what every terminal of today understands is used. Main
// thread; a signal has to be waited for with `signals`, as a handler would leave things as they
// are.
#pragma once

#include "runtime/program/top_view.hpp"

#include <termios.h>

#include <optional>
#include <string>

namespace dunlin::program {

class terminal {
public:
    /// Whether standard output is one.
    [[nodiscard]] static bool present() noexcept;

    terminal();
    ~terminal();
    terminal(const terminal&) = delete;
    terminal& operator=(const terminal&) = delete;

    [[nodiscard]] static screen_size size() noexcept;
    /// Puts the page in place of the last one. It must fit.
    void show(const std::string& page);

    /// Readable when there may be a key; -1 if standard input is no terminal.
    [[nodiscard]] int keys_fd() const noexcept { return keys_ ? 0 : -1; }
    /// Takes the keys that are there, as the terminal sends them.
    [[nodiscard]] std::string pressed();

private:
    std::optional<termios> keys_;  // as they were
};

}  // namespace dunlin::program
