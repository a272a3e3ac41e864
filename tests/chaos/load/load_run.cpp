// SPDX-License-Identifier: Apache-2.0
#include "load_run.hpp"

#include <poll.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string>

namespace dunlin::chaos {

namespace {

using namespace std::chrono_literals;

constexpr auto tell_every = 100ms;
/// After its deadline a call that has no answer is one that was lost.
constexpr auto grace = 5s;
/// A closed loop whose calls fail at once would otherwise do nothing but fail.
constexpr auto failure_pause = 1ms;

void print_line(const nlohmann::json& value) {
    const auto text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

}  // namespace

load_run::load_run(const load_options& options, client& calls, call_book& book, int stop_fd)
    : options_(options),
      client_(calls),
      book_(book),
      stop_fd_(stop_fd),
      random_(options.seed),
      next_id_(options.first_id),
      began_(load_clock::now()),
      ends_(load_clock::time_point::max()),
      tell_at_(began_ + tell_every) {
    if (options.seconds > 0)
        ends_ = began_ + std::chrono::duration_cast<load_clock::duration>(
                             std::chrono::duration<double>(options.seconds));
}

/// Exponential with mean 1.
double load_run::drawn() { return -std::log1p(-random_.next_unit()); }

void load_run::run() {
    if (options_.rate > 0)
        open_loop();
    else
        closed_loop();
    const auto limit = load_clock::now() + std::chrono::milliseconds(options_.timeout_ms) + grace;
    while (!book_.wait_below(1, std::min(tell_at_, limit)) && load_clock::now() < limit)
        tell_progress(load_clock::now());
    print_line({{"summary", book_.summary(began_)}});
}

void load_run::open_loop() {
    auto due = began_;
    for (;;) {
        const std::chrono::duration<double> pause(drawn() / options_.rate);
        due += std::chrono::duration_cast<load_clock::duration>(pause);
        if (!wait_until(due)) return;
        start_call(due);
    }
}

void load_run::closed_loop() {
    std::uint64_t failures = 0;
    for (;;) {
        const auto seen = book_.failures();
        const auto pause = seen == failures ? load_clock::duration{} : failure_pause;
        failures = seen;
        if (!wait_until(load_clock::now() + pause)) return;
        if (book_.wait_below(options_.window, tell_at_)) start_call(load_clock::now());
    }
}

bool load_run::all_started() const noexcept {
    return options_.calls_max != 0 && next_id_ - options_.first_id >= options_.calls_max;
}

void load_run::tell_progress(load_clock::time_point now) {
    if (now < tell_at_) return;
    tell_at_ = std::max(tell_at_ + tell_every, now);
    print_line(book_.progress(began_));
}

bool load_run::wait_until(load_clock::time_point when) {
    for (;;) {
        const auto now = load_clock::now();
        tell_progress(now);
        if (now >= ends_ || all_started()) return false;
        const auto left = std::max(load_clock::duration{}, std::min({when, tell_at_, ends_}) - now);
        const auto whole = std::chrono::duration_cast<std::chrono::seconds>(left);
        const timespec limit{whole.count(), (left - whole).count()};
        pollfd stop{stop_fd_, POLLIN, 0};
        if (::ppoll(&stop, 1, &limit, nullptr) > 0) return false;
        if (load_clock::now() >= when) return true;
    }
}

void load_run::start_call(load_clock::time_point due) {
    const double factor = options_.exponential ? drawn() : 1.0;
    const order what{next_id_++,
                     static_cast<std::uint64_t>(static_cast<double>(options_.service_us) * factor)};
    call_options limits;
    limits.timeout = std::chrono::milliseconds(options_.timeout_ms);
    const auto began = load_clock::now();
    book_.started();
    client_.async_invoke<receipt>(
        options_.function, what, limits,
        [&book = book_, id = what.id, due, began](const result<receipt>& outcome) {
            book.ended(id, due, began, outcome);
        });
}

}  // namespace dunlin::chaos
