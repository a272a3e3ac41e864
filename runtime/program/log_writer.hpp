// SPDX-License-Identifier: Apache-2.0
//
// Writes log lines to a descriptor, on a thread of its own, which the first line makes.
//
// Lanes log, and a lane that blocked on the log's reader would stop its clients. So lines wait in a
// bounded buffer; when it is full, the newest are dropped and counted, and one line says
// how many as soon as there is room: in the place where they are missing. What is written stays
// whole lines, in order. `write` and `drain` are safe from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace dunlin::program {

/// Lines that wait to be written. Plain data, without a thread.
class log_backlog {
public:
    explicit log_backlog(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    /// False when there is no room: the line is dropped and counted.
    bool add(std::string_view line);
    /// Swaps what waits into `batch`. Returns how many lines are missing behind it.
    [[nodiscard]] std::uint64_t take(std::string& batch);
    [[nodiscard]] bool empty() const noexcept { return lines_.empty() && dropped_ == 0; }

private:
    std::size_t bytes_max_;
    std::string lines_;
    std::uint64_t dropped_ = 0;
};

class log_writer {
public:
    /// Of dropped lines, the line that tells of them.
    using notice = std::function<std::string(std::uint64_t dropped)>;

    static constexpr std::size_t bytes_waiting_max = 1u << 20;

    log_writer(int fd, notice about_dropped, std::size_t bytes_max = bytes_waiting_max);
    log_writer(const log_writer&) = delete;
    log_writer& operator=(const log_writer&) = delete;
    /// Gives up what nobody reads.
    ~log_writer();

    /// With its line end.
    void write(std::string_view line);
    /// Waits until all is written; false when that took longer. May be called in the handler of a
    /// signal: it only looks at what the thread does.
    bool drain(std::chrono::milliseconds at_most) const noexcept;

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace dunlin::program
