// SPDX-License-Identifier: Apache-2.0
#include "keyed_run.hpp"

#include <poll.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace dunlin::chaos {

namespace {

using namespace std::chrono_literals;
using history::action;
using history::ending;

constexpr auto tell_every = 100ms;
/// After its deadline a call that has no answer is one that was lost.
constexpr auto grace = 5s;
/// A closed loop whose calls fail at once would otherwise do nothing but fail.
constexpr auto failure_pause = 1ms;
constexpr auto look_limit = 30s;
constexpr unsigned failing_of_hundred = 3;

void print_line(const nlohmann::json& value) {
    const auto text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

// What the caller knows of it. A function that failed has left the state as it was.
history::operation known_of(history::operation call, const result<standing>& outcome) {
    call.ended_ns = ns_since_boot();
    if (outcome) {
        call.how = ending::answered;
        call.count = outcome->count;
        if (call.what == action::read && !outcome->entries.empty()) call.entries = outcome->entries;
    } else {
        const auto& why = outcome.error();
        call.how = why.did_not_run || why.code == errc::failed ? ending::not_run : ending::unknown;
    }
    return call;
}

const error* why_of(const result<standing>& outcome) {
    return outcome ? nullptr : &outcome.error();
}

}  // namespace

keyed_run::keyed_run(const keyed_options& options, client& calls, keyed_book& book, int stop_fd)
    : options_(options),
      client_(calls),
      book_(book),
      stop_fd_(stop_fd),
      random_(options.seed),
      next_id_(options.first_id),
      tell_at_(keyed_clock::now() + tell_every) {}

bool keyed_run::run() {
    bool done = true;
    switch (options_.work) {
        case keyed_work::mix: mix(); break;
        case keyed_work::fill: fill(); break;
        case keyed_work::look: done = look(); break;
        case keyed_work::put: put(); break;
    }
    const auto limit = keyed_clock::now() + std::chrono::milliseconds(options_.timeout_ms) + grace;
    while (!book_.wait_below(1, std::min(tell_at_, limit)) && keyed_clock::now() < limit)
        tell_progress(keyed_clock::now());
    print_line({{"summary", book_.progress()}});
    return done;
}

void keyed_run::mix() {
    auto due = keyed_clock::now();
    std::uint64_t failures = 0;
    for (;;) {
        if (options_.calls_max != 0 && next_id_ - options_.first_id >= options_.calls_max) return;
        if (options_.rate > 0) {
            const std::chrono::duration<double> pause(-std::log1p(-random_.next_unit()) /
                                                      options_.rate);
            due += std::chrono::duration_cast<keyed_clock::duration>(pause);
        } else {
            const auto seen = book_.failures();
            due = keyed_clock::now() + (seen == failures ? keyed_clock::duration{} : failure_pause);
            failures = seen;
        }
        if (!wait_until(due) || !wait_for_room()) return;
        start_drawn();
    }
}

void keyed_run::start_drawn() {
    const auto key = static_cast<std::size_t>(random_.next() % options_.keys);
    const auto name = name_of(key);
    const bool counter = is_counter(key);
    if (drawn(options_.reads)) return start(counter ? "count" : "list", name, action::read);
    if (counter && drawn(failing_of_hundred)) return start("add_and_fail", name, action::add);
    const std::string again = drawn(options_.again) ? "_again" : "";
    start((counter ? "add" : "append") + again, name, counter ? action::add : action::append);
}

void keyed_run::fill() {
    for (std::size_t key = 0; key < options_.keys; ++key) {
        if (!wait_until(keyed_clock::now()) || !wait_for_room()) return;
        start("add", name_of(key), action::add);
    }
}

void keyed_run::put() {
    // As many of each size: 16 bytes, 64, 256, ...
    for (;;) {
        if (!wait_until(keyed_clock::now()) || !wait_for_room()) return;
        std::uint64_t bytes = 16;
        const auto sizes = static_cast<std::uint64_t>(
            std::log2(static_cast<double>(std::max<std::uint64_t>(options_.bytes_max, 16)) / 16.0) /
                2 +
            1);
        bytes <<= 2 * (random_.next() % sizes);
        // Some of each key's values are of another size than the last.
        start("put", name_of(static_cast<std::size_t>(random_.next() % options_.keys)), action::add,
              bytes);
    }
}

// Reads are told of when they are answered; those before say nothing.
bool keyed_run::look() {
    call_options limits;
    limits.timeout = std::chrono::milliseconds(options_.timeout_ms);
    const auto limit = keyed_clock::now() + look_limit;
    for (std::size_t key = 0; key < options_.keys; ++key) {
        const auto name = name_of(key);
        const std::string function = is_counter(key) ? "tally/count" : "tally/list";
        for (;;) {
            const step what{next_id_++, name, 0};
            history::operation call;
            call.id = what.id;
            call.what = action::read;
            call.called_ns = ns_since_boot();
            book_.started();
            const auto outcome = client_.invoke<standing>(function, what, limits);
            const auto known = known_of(call, outcome);
            book_.ended(name, known, why_of(outcome));
            if (outcome) break;
            if (keyed_clock::now() > limit) {
                std::fprintf(stderr, "chaos_keyed: key %s cannot be read: %s\n", name.c_str(),
                             to_string(outcome.error()).c_str());
                return false;
            }
            if (!wait_until(keyed_clock::now() + failure_pause)) return false;
        }
    }
    return true;
}

void keyed_run::start(const std::string& function, const std::string& key, action what,
                      std::uint64_t bytes) {
    const step carried{next_id_++, key, bytes};
    call_options limits;
    limits.timeout = std::chrono::milliseconds(options_.timeout_ms);
    history::operation call;
    call.id = carried.id;
    call.what = what;
    book_.started();
    call.called_ns = ns_since_boot();
    client_.async_invoke<standing>("tally/" + function, carried, limits,
                                   [&book = book_, key, call](const result<standing>& outcome) {
                                       const auto known = known_of(call, outcome);
                                       book.ended(key, known, why_of(outcome));
                                   });
}

bool keyed_run::wait_for_room() {
    while (!book_.wait_below(options_.window, tell_at_))
        if (!wait_until(keyed_clock::now())) return false;
    return true;
}

void keyed_run::tell_progress(keyed_clock::time_point now) {
    if (now < tell_at_) return;
    tell_at_ = std::max(tell_at_ + tell_every, now);
    print_line(book_.progress());
}

bool keyed_run::wait_until(keyed_clock::time_point when) {
    for (;;) {
        const auto now = keyed_clock::now();
        tell_progress(now);
        const auto left = std::max(keyed_clock::duration{}, std::min(when, tell_at_) - now);
        const auto whole = std::chrono::duration_cast<std::chrono::seconds>(left);
        const timespec limit{whole.count(), (left - whole).count()};
        pollfd stop{stop_fd_, POLLIN, 0};
        if (::ppoll(&stop, 1, &limit, nullptr) > 0) return false;
        if (keyed_clock::now() >= when) return true;
    }
}

}  // namespace dunlin::chaos
