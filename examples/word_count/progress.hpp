// SPDX-License-Identifier: Apache-2.0
//
// One line on a terminal that shows how far the work is, and numbers for people.
//
// Nothing is shown when standard error is not a terminal. Ten updates a second at most. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace word_count {

class progress {
public:
    progress();
    ~progress() { clear(); }
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    /// Whether it is time for another `show`.
    [[nodiscard]] bool due();
    void show(const std::string& line);
    void clear();

private:
    bool terminal_;
    bool visible_ = false;
    std::chrono::steady_clock::time_point next_{};
};

/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);
/// 1234567 as "1.2 MB".
[[nodiscard]] std::string megabytes(std::uint64_t bytes);
/// Rounded; zero when no time has passed.
[[nodiscard]] std::uint64_t per_second(std::uint64_t count, double seconds);

}  // namespace word_count
