// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/invoke_lines.hpp"

#include "runtime/program/exit_code.hpp"
#include "runtime/program/ordered_calls.hpp"
#include "runtime/program/progress.hpp"
#include "runtime/program/verb.hpp"
#include "runtime/text/json_payload.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace dunlin::program {
namespace {

class line_stream {
public:
    line_stream(client& through, line_reader input, signals& stop, const line_options& options)
        : options_(options),
          input_(std::move(input)),
          stop_(stop),
          calls_(through, options.function, options.key, call_traces(options.trace), options.window,
                 options.patience),
          progress_(results_go::to_standard_output) {}

    int run() {
        while (reading_ || !calls_.empty()) {
            const auto next_repeat = calls_.send_repeats();
            start_calls();
            const bool printed = print_outcomes();
            show_progress();
            if (!printed && (reading_ || !calls_.empty())) wait(next_repeat);
        }
        progress_.clear();
        return finish();
    }

private:
    // Starts what is here and fits. Every line gets a place, also one that is not JSON.
    void start_calls() {
        std::string_view line;
        while (room()) {
            if (!input_.take(line)) {
                reading_ = !input_.at_end();
                return;
            }
            auto payload = runtime::payload_from_json(line);
            if (payload) {
                calls_.start(input_.line_number(), {std::move(*payload)});
            } else {
                calls_.refuse(input_.line_number(), std::move(payload.error()));
            }
        }
    }

    // Nothing new while the node has no room for what it was sent.
    [[nodiscard]] bool room() const { return reading_ && !calls_.full() && !calls_.held_back(); }

    bool print_outcomes() {
        bool any = false;
        ordered_calls::outcome next;
        while (calls_.take(next)) {
            any = true;
            if (impatient_) continue;
            bool failed = false;
            auto text = print_line(next, options_.form, failed);
            text += '\n';
            std::fwrite(text.data(), 1, text.size(), stdout);
            ++printed_;
            failed_ += failed ? 1 : 0;
        }
        if (any && std::ferror(stdout) != 0)
            give_up(std::string("cannot write results: ") + std::strerror(errno));
        return any;
    }

    // Nothing to do until an outcome, more input, a signal or the time of an attempt comes. What
    // was printed is flushed before, so that a reader of the pipe never waits for it.
    void wait(ordered_calls::clock::time_point next_repeat) {
        std::fflush(stdout);
        const bool wants_input = room();
        std::array<pollfd, 3> sources{{{calls_.fd(), POLLIN, 0},
                                       {impatient_ ? -1 : stop_.fd(), POLLIN, 0},
                                       {wants_input ? input_.fd() : -1, POLLIN, 0}}};
        if (calls_.prepare_wait()) ::poll(sources.data(), sources.size(), poll_ms(next_repeat));
        calls_.end_wait();
        if (sources[1].revents != 0) interrupt();
        if (sources[2].revents != 0 && reading_) {
            if (auto filled = input_.fill(); !filled) give_up(filled.error().detail);
        }
    }

    [[nodiscard]] int poll_ms(ordered_calls::clock::time_point until) const {
        const int most = progress_.shown() ? 200 : -1;
        if (until == ordered_calls::clock::time_point::max()) return most;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - ordered_calls::clock::now());
        const auto wanted = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
        return most < 0 ? wanted : std::min(most, wanted);
    }

    void interrupt() {
        stop_.wait();
        impatient_.emplace(stop_);
        reading_ = false;
        calls_.cancel();
    }

    // Reads no further; what is in flight is still answered and printed.
    void give_up(std::string why) {
        reading_ = false;
        if (problem_.empty()) problem_ = std::move(why);
    }

    void show_progress() {
        if (!progress_.due()) return;
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began_;
        progress_.show(
            grouped(printed_) + " calls, " +
            grouped(static_cast<std::uint64_t>(static_cast<double>(printed_) / seconds.count())) +
            "/s, " + grouped(failed_) + " failed" +
            (calls_.repeated() == 0 ? "" : ", " + grouped(calls_.repeated()) + " repeated"));
    }

    int finish() {
        if (std::fflush(stdout) != 0 && problem_.empty())
            problem_ = std::string("cannot write results: ") + std::strerror(errno);
        if (impatient_) {
            complain("interrupted after " + grouped(printed_) + " calls");
            return exit_code::interrupted;
        }
        if (!problem_.empty()) complain(problem_);
        if (failed_ > 0) complain(grouped(failed_) + " of " + grouped(printed_) + " calls failed");
        return problem_.empty() && failed_ == 0 ? exit_code::success : exit_code::call_failed;
    }

    const line_options& options_;
    line_reader input_;
    signals& stop_;
    ordered_calls calls_;
    progress progress_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::uint64_t printed_ = 0;
    std::uint64_t failed_ = 0;
    std::string problem_;
    bool reading_ = true;
    std::optional<exit_at_signal> impatient_;  // after a first signal
};

}  // namespace

int invoke_lines(client& through, line_reader input, signals& stop, const line_options& options) {
    return line_stream(through, std::move(input), stop, options).run();
}

}  // namespace dunlin::program
