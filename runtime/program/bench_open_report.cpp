// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_open_report.hpp"

#include "runtime/program/bench_figures.hpp"
#include "runtime/program/bench_plan.hpp"
#include "runtime/program/progress.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>

namespace dunlin::program {
namespace {

std::string member(const char* name, std::uint64_t value) {
    return ",\"" + std::string(name) + "\":" + std::to_string(value);
}

// What became of calls, the same for a second as for all of them.
std::string ends(const bench_second& of) {
    return member("offered", of.offered) + member("not_sent", of.not_sent) + member("ok", of.ok) +
           member("refused", of.refused) + member("expired", of.expired) +
           member("failed", of.failed);
}

double per_second(std::uint64_t calls, double seconds) {
    return seconds > 0 ? static_cast<double>(calls) / seconds : 0;
}

}  // namespace

double bench_open_report::offered_seconds() const noexcept {
    return std::chrono::duration<double>(offered_for).count();
}

bool bench_open_report::measured_itself(const support::log_histogram& latencies) const noexcept {
    constexpr std::uint64_t millisecond_ns = 1'000'000;
    const auto late = lag.quantile(0.99);
    return late > millisecond_ns && late > latencies.quantile(0.99) / 10;
}

std::string bench_open_report::trace_json() const {
    if (!load.trace) return "";
    const auto name = nlohmann::json(load.trace->load.name);
    std::string text =
        ",\"trace\":" + name.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (waits.count() > 0)
        text += ",\"busy_seconds\":" + decimal(busy_seconds, 3) +
                ",\"wait_p50_us\":" + quantile_us(waits, 0.5) +
                ",\"wait_p99_us\":" + quantile_us(waits, 0.99) +
                ",\"wait_max_us\":" + microseconds(static_cast<double>(waits.max()));
    return text;
}

std::string bench_open_report::json(const support::log_histogram& latencies) const {
    const auto sum = seconds.total();
    std::string text =
        trace_json() + ",\"arrivals\":\"" + std::string(name_of(load.arrivals)) + "\"" +
        member("seed", load.seed) + member("rate_per_second", load.per_second) +
        ",\"offered_seconds\":" + decimal(offered_seconds(), 6) +
        ",\"offered_per_second\":" + decimal(per_second(sum.offered, offered_seconds()), 1) +
        ends(sum) + member("sent", sum.sent()) +
        ",\"refused_us_p99\":" + quantile_us(refusals, 0.99) +
        ",\"p90_us\":" + quantile_us(latencies, 0.9) +
        ",\"schedule_lag_us_p99\":" + quantile_us(lag, 0.99) +
        ",\"schedule_lag_us_max\":" + microseconds(static_cast<double>(lag.max())) +
        ",\"by_second\":[";
    const auto& rows = seconds.rows();
    for (std::size_t i = 0; i < rows.size(); ++i)
        text += (i == 0 ? "{" : ",{") + ("\"second\":" + std::to_string(i)) + ends(rows[i]) +
                ",\"p99_us\":" + microseconds(static_cast<double>(rows[i].p99_ns())) + "}";
    return text + "]";
}

std::string bench_open_report::summary(const std::string& bytes,
                                       const support::log_histogram& latencies) const {
    const auto sum = seconds.total();
    std::string text =
        (load.trace ? grouped(load.calls()) + " calls as in " + load.trace->load.name + ", "
                    : grouped(load.per_second) + " calls of " + bytes + " a second, ") +
        name_of(load.arrivals) + ", for " + decimal(offered_seconds(), 2) +
        " s\n  offered           " + grouped(sum.offered) + ", " +
        decimal(per_second(sum.offered, offered_seconds()), 1) +
        " per second\n  sent              " + grouped(sum.sent()) + "\n  answered          " +
        grouped(sum.ok) + "\n  refused           " + grouped(sum.refused) +
        (refusals.max() > 0 ? ", p99 " + quantile_us(refusals, 0.99) + " us after they were sent"
                            : "") +
        "\n  deadline exceeded " + grouped(sum.expired) + "\n  other errors      " +
        grouped(sum.failed) + "\n  goodput           " +
        decimal(per_second(sum.ok, offered_seconds()), 1) +
        " per second\n  latency           p50 " + quantile_us(latencies, 0.5) + " us, p90 " +
        quantile_us(latencies, 0.9) + " us, p99 " + quantile_us(latencies, 0.99) + " us, p99.9 " +
        quantile_us(latencies, 0.999) + " us, max " +
        microseconds(static_cast<double>(latencies.max())) + " us\n";
    if (sum.ok > 0) {
        const auto slowest = seconds.slowest();
        const auto& row = seconds.rows()[slowest];
        text += "  slowest second    " + std::to_string(slowest) + ": p99 " +
                microseconds(static_cast<double>(row.p99_ns())) + " us, " + grouped(row.ok) +
                " of " + grouped(row.offered) + " answered\n";
    }
    if (waits.count() > 0)
        text += "  waits             p50 " + quantile_us(waits, 0.5) + " us, p99 " +
                quantile_us(waits, 0.99) + " us, max " +
                microseconds(static_cast<double>(waits.max())) + " us\n";
    return text + "  schedule lag      p99 " + quantile_us(lag, 0.99) + " us, max " +
           microseconds(static_cast<double>(lag.max())) + " us\n";
}

}  // namespace dunlin::program
