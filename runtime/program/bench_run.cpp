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

namespace dunlin::program {
namespace {

// Seldom enough not to be seen in what is measured.
constexpr int progress_every_ms = 200;

// Number `index` of `count` nearly equal parts of a whole.
std::size_t part_of(std::size_t whole, std::size_t count, std::size_t index) {
    return whole / count + (index < whole % count ? 1 : 0);
}

void add(bench_loop::outcome& to, bench_loop::outcome&& from) {
    to.latencies.add(from.latencies);
    for (std::size_t i = 0; i < to.errors.size(); ++i) to.errors[i] += from.errors[i];
    if (to.first_error.empty()) to.first_error = std::move(from.first_error);
}

}  // namespace

bench::bench(bench_plan plan, signals& stop)
    : plan_(std::move(plan)),
      stop_(stop),
      warm_(static_cast<std::ptrdiff_t>(plan_.threads)),
      running_(plan_.threads),
      done_fd_(::eventfd(0, EFD_CLOEXEC)) {
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
        loops_.emplace_back(std::move(*to.client), plan_.function, plan_.input, window);
    }
    return exit_code::success;
}

bench_report bench::measure() {
    std::vector<part> parts(loops_.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < loops_.size(); ++i)
        threads.emplace_back([this, i, &to = parts[i]] { run_part(i, to); });
    watch();
    for (auto& thread : threads) thread.join();

    bench_report report{plan_.function, plan_.window, plan_.size, plan_.threads, {}, {}};
    auto begin = parts.front().begin;
    auto end = parts.front().end;
    for (auto& one : parts) {
        begin = std::min(begin, one.begin);
        end = std::max(end, one.end);
        add(report.outcome, std::move(one.outcome));
    }
    report.seconds = std::chrono::duration<double>(end - begin).count();
    return report;
}

void bench::run_part(std::size_t index, part& to) {
    auto& loop = loops_[index];
    (void)loop.run(part_of(plan_.warmup, loops_.size(), index));
    warm_.arrive_and_wait();
    to.begin = std::chrono::steady_clock::now();
    to.outcome = loop.run(part_of(plan_.requests, loops_.size(), index));
    to.end = std::chrono::steady_clock::now();
    if (running_.fetch_sub(1) != 1) return;
    const std::uint64_t one = 1;
    (void)!::write(done_fd_, &one, sizeof one);
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
            for (auto& loop : loops_) loop.stop();
        }
        if (!line.due()) continue;
        std::uint64_t issued = 0;
        for (const auto& loop : loops_) issued += loop.issued();
        line.show(grouped(issued) + " of " + grouped(plan_.requests) + " calls");
    }
}

}  // namespace dunlin::program
