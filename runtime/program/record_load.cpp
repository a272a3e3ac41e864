// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/record_load.hpp"

#include "runtime/program/exit_code.hpp"
#include "runtime/program/progress.hpp"
#include "runtime/program/record_poll.hpp"
#include "runtime/program/verb.hpp"
#include "runtime/rehearsal/trace_writer.hpp"
#include "runtime/text/quantity.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

namespace dunlin::program {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds look_every = 1s;
static_assert(record_poll::periods_max * record_poll::period == record_arguments::duration_max);
/// At the end: the last period passes a moment after it is over here.
constexpr milliseconds look_again = 50ms;

recording failed(const std::string& why) {
    complain(why);
    return {std::nullopt, 0, exit_code::call_failed};
}

// @returns how many.
std::size_t say_problems(record_poll& poll, progress& line) {
    const auto problems = poll.take_problems();
    if (!problems.empty()) line.clear();
    for (const auto& each : problems) complain(each);
    return problems.size();
}

// The first that no node serves; empty: all are served.
std::string unknown(const std::vector<std::string>& wanted, const recorded_load& load) {
    const auto served = load.functions();
    for (const auto& each : wanted)
        if (std::find(served.begin(), served.end(), each) == served.end()) return each;
    return "";
}

std::string how_far(const record_poll& poll, std::size_t periods) {
    const auto passed = std::min(poll.passed(), periods);
    const auto in_seconds = [](std::size_t count) {
        return runtime::format_duration(std::chrono::seconds(count * record_poll::period / 1s));
    };
    return "recording: " + in_seconds(passed) + " of " + in_seconds(periods) + ", " +
           grouped(poll.load().calls()) + " calls on " + std::to_string(poll.nodes()) +
           (poll.nodes() == 1 ? " node" : " nodes") + "; Ctrl-C ends it and goes on";
}

// @returns whether a signal has come, which is taken.
bool signalled(const signals& stop, milliseconds within) {
    pollfd source{stop.fd(), POLLIN, 0};
    if (::poll(&source, 1, static_cast<int>(within.count())) <= 0) return false;
    stop.wait();
    return true;
}

milliseconds until_next_look(const record_poll& poll, std::size_t periods) {
    const auto left = periods - std::min(poll.passed(), periods);
    return std::clamp<milliseconds>(left * record_poll::period, look_again, look_every);
}

// @returns whether there is anything to wait for; if not, why has been said.
bool begin(record_poll& poll, const std::vector<std::string>& wanted, progress& line) {
    const auto asked = poll.round();
    const auto problems = say_problems(poll, line);
    if (!asked)
        complain(to_string(asked.error()));
    else if (poll.nodes() == 0 && problems == 0)
        complain("no node answers");
    if (poll.nodes() == 0) return false;
    const auto none = unknown(wanted, poll.load());
    if (none.empty()) return true;
    complain("no node that answers serves a function " + none +
             "; `dunlin functions` lists those there are");
    poll.finish();
    return false;
}

// Until all is recorded, or a signal. @returns the periods that count.
std::size_t follow(record_poll& poll, std::size_t periods, milliseconds patience,
                   const signals& stop, progress& line) {
    const auto last = periods + static_cast<std::size_t>(patience / record_poll::period);
    for (;;) {
        if (poll.complete() || poll.passed() > last) return periods;
        if (line.shown()) line.show(how_far(poll, periods));
        if (signalled(stop, until_next_look(poll, periods)))
            return std::clamp<std::size_t>(poll.passed(), 1, periods);
        // What a round says is no reason to end: what has been recorded counts.
        if (const auto asked = poll.round(); !asked) complain(to_string(asked.error()));
        static_cast<void>(say_problems(poll, line));
    }
}

bool written(const std::string& path, const std::function<void(std::ostream&)>& write) {
    std::ofstream file(path, std::ios::binary);
    write(file);
    file.close();
    if (file) return true;
    complain(path + ": cannot be written: " + std::strerror(errno));
    return false;
}

std::int64_t unix_now_ns() {
    return std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

}  // namespace

recording record_load(const record_arguments& given, const signals& stop) {
    auto to = connect(given.connection, stop);
    if (!to.client) return {std::nullopt, 0, to.exit_code};
    constexpr auto period_ns = std::chrono::nanoseconds(record_poll::period);
    const auto periods = static_cast<std::size_t>(
        (given.duration + period_ns - std::chrono::nanoseconds(1)) / period_ns);
    const auto patience = std::chrono::ceil<milliseconds>(given.connection.timeout);
    record_poll poll(std::move(*to.client), patience, given.connection.keys, given.functions,
                     periods);
    recording made;
    made.begin_unix_ns = unix_now_ns();
    progress line(results_go::nowhere);
    if (!begin(poll, given.functions, line)) return {std::nullopt, 0, exit_code::call_failed};
    const auto counted = follow(poll, periods, patience, stop, line);
    poll.finish();
    static_cast<void>(say_problems(poll, line));
    made.load = poll.load().made(given.connection.nodes.front(), counted, period_ns.count());
    if (made.load->functions.empty())
        return failed("no calls came in " +
                      runtime::format_duration(static_cast<long>(counted) * record_poll::period));
    return made;
}

std::string save_recording(const recording& of, const std::string& path) {
    using namespace runtime::rehearsal;
    const auto& load = *of.load;
    if (!written(path, [&](std::ostream& to) { write_trace(to, load, of.begin_unix_ns); }))
        return "";
    if (load.functions.size() == 1) {
        const auto mean_us = static_cast<long>(load.functions.front().service_ns / 1e3);
        return path + " --service-time " +
               runtime::format_duration(std::chrono::microseconds(std::max(mean_us, 1L)));
    }
    std::filesystem::path beside(path);
    beside.replace_filename(beside.stem().string() + "-durations" + beside.extension().string());
    if (!written(beside.string(), [&](std::ostream& to) { write_durations(to, load); })) return "";
    return path + " --durations " + beside.string();
}

}  // namespace dunlin::program
