// SPDX-License-Identifier: Apache-2.0
//
// One line on the terminal that shows how far the work is, and disappears when it is done.
//
// Silent unless standard error is a terminal and results do not go to the same one. At most ten
// updates a second, however often it is called. One thread.
#pragma once

#include <chrono>
#include <string>

namespace dunlin::program {

enum class results_go { nowhere, to_standard_output };

class progress {
public:
    explicit progress(results_go where);
    ~progress() { clear(); }
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    [[nodiscard]] bool shown() const noexcept { return shown_; }
    /// True when it is time for the next `show`.
    [[nodiscard]] bool due() noexcept;
    void show(const std::string& text);
    void clear();

private:
    bool shown_;
    bool on_screen_ = false;
    std::chrono::steady_clock::time_point next_{};
};

/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(unsigned long long number);

}  // namespace dunlin::program
