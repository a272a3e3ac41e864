// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_run.hpp"

#include "runtime/program/exit_code.hpp"
#include "runtime/program/progress.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace dunlin::program {
namespace {

// Seldom enough not to be seen in what is measured.
constexpr int progress_every_ms = 200;

// Number `index` of `count` nearly equal parts of a whole.
std::size_t part_of(std::size_t whole, std::size_t count, std::size_t index) {
    return whole / count + (index < whole % count ? 1 : 0);
}

}  // namespace

bench::bench(bench_plan plan, signals& stop)
    : plan_(std::move(plan)),
      stop_(stop),
      warm_(static_cast<std::ptrdiff_t>(plan_.threads)),
      running_(plan_.threads),
      done_fd_(::eventfd(0, EFD_CLOEXEC)) {
    if (plan_.keys != 0) keys_ = std::make_unique<bench_keys>(plan_.keys, plan_.zipf, plan_.seed);
    if (done_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

bench::~bench() { ::close(done_fd_); }

int bench::connect() {
    for (std::size_t i = 0; i < plan_.threads; ++i) {
        const auto window = part_of(plan_.window, plan_.threads, i);
        auto options = plan_.connection;
        options.in_flight_max = window;
        auto to = program::connect(options, stop_);
        if (!to.client) return to.exit_code;
        if (plan_.load)
            open_loops_.emplace_back(std::move(*to.client), plan_.function, plan_.input, window,
                                     keys_.get());
        else
            loops_.emplace_back(std::move(*to.client), plan_.function, plan_.input, window,
                                keys_.get());
    }
    return exit_code::success;
}

bench_report bench::measure() {
    std::vector<part> parts(plan_.threads);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < parts.size(); ++i)
        threads.emplace_back([this, i, &to = parts[i]] { run_part(i, to); });
    watch();
    for (auto& thread : threads) thread.join();

    bench_report report{plan_.function, plan_.window, plan_.size, plan_.threads, {}, {}, {}};
    if (plan_.load) report.open.emplace().load = *plan_.load;
    auto begin = parts.front().begin;
    auto end = parts.front().end;
    for (auto& one : parts) {
        begin = std::min(begin, one.begin);
        end = std::max(end, one.end);
        report.outcome.add(std::move(one.outcome.calls));
        if (!report.open) continue;
        report.open->seconds.add(one.outcome.seconds);
        report.open->lag.add(one.outcome.lag);
        report.open->refusals.add(one.outcome.refusals);
        report.open->waits.add(one.outcome.waits);
        report.open->busy_seconds += static_cast<double>(one.outcome.service_ns) / 1e9;
        report.open->offered_for = std::max(report.open->offered_for, one.outcome.offered_for);
    }
    report.seconds = std::chrono::duration<double>(end - begin).count();
    return report;
}

void bench::run_part(std::size_t index, part& to) {
    if (plan_.load)
        run_open(index, to);
    else
        run_closed(index, to);
    to.end = std::chrono::steady_clock::now();
    if (running_.fetch_sub(1) != 1) return;
    const std::uint64_t one = 1;
    (void)!::write(done_fd_, &one, sizeof one);
}

void bench::run_closed(std::size_t index, part& to) {
    auto& loop = loops_[index];
    (void)loop.run(part_of(plan_.warmup, plan_.threads, index));
    warm_.arrive_and_wait();
    to.begin = std::chrono::steady_clock::now();
    to.outcome.calls = loop.run(part_of(plan_.requests, plan_.threads, index), plan_.at_most);
}

void bench::run_open(std::size_t index, part& to) {
    auto& loop = open_loops_[index];
    if (plan_.warmup_load.calls() > 0)
        (void)loop.run(plan_.warmup_load, index, plan_.threads, std::chrono::steady_clock::now());
    warm_.arrive_and_wait();
    to.begin = common_origin();
    to.outcome = loop.run(*plan_.load, index, plan_.threads, to.begin);
}

std::chrono::steady_clock::time_point bench::common_origin() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const auto mine = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
    std::int64_t first = 0;
    if (origin_ns_.compare_exchange_strong(first, mine)) first = mine;
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(first));
}

void bench::watch() {
    progress line(results_go::nowhere);
    std::array<pollfd, 2> sources{{{done_fd_, POLLIN, 0}, {stop_.fd(), POLLIN, 0}}};
    for (;;) {
        const int ready =
            ::poll(sources.data(), sources.size(), line.shown() ? progress_every_ms : -1);
        if (ready > 0 && sources[0].revents != 0) return;
        if (ready > 0 && sources[1].revents != 0) {
            stop_.wait();
            impatient_.emplace(stop_);
            sources[1].fd = -1;
            stop_loops();
        }
        if (line.due()) line.show(how_far());
    }
}

void bench::stop_loops() noexcept {
    for (auto& loop : loops_) loop.stop();
    for (auto& loop : open_loops_) loop.stop();
}

std::string bench::how_far() const {
    std::uint64_t begun = 0;
    std::uint64_t in_flight = 0;
    for (const auto& loop : loops_) begun += loop.issued();
    for (const auto& loop : open_loops_) {
        begun += loop.offered();
        in_flight += loop.in_flight();
    }
    const bool counted = plan_.calls() != bench_plan::requests_unlimited;
    return grouped(begun) + (counted ? " of " + grouped(plan_.calls()) : "") + " calls" +
           (plan_.load ? ", " + grouped(in_flight) + " in flight" : "");
}

}  // namespace dunlin::program
