// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_report.hpp"

#include "runtime/program/bench_figures.hpp"
#include "runtime/program/progress.hpp"
#include "runtime/text/json_payload.hpp"
#include "runtime/text/quantity.hpp"

#include <numeric>

namespace dunlin::program {
namespace {

double rate(const bench_report& report) {
    // The answers to the last calls come after the time in which they were offered: a queue that is
    // long then would make the rate of an open loop seem low.
    const double seconds = report.open ? report.open->offered_seconds() : report.seconds;
    return seconds > 0 ? static_cast<double>(report.outcome.latencies.count()) / seconds : 0;
}

std::string_view name_of(std::size_t code) {
    return to_string(errc_from_number(static_cast<std::int64_t>(code)));
}

}  // namespace

std::uint64_t bench_report::errors() const noexcept {
    return std::accumulate(outcome.errors.begin(), outcome.errors.end(), std::uint64_t{0});
}

std::uint64_t bench_report::requests() const noexcept {
    return outcome.latencies.count() + errors();
}

std::string bench_report::json() const {
    const auto& took = outcome.latencies;
    std::string by_code;
    for (std::size_t code = 0; code < outcome.errors.size(); ++code)
        if (outcome.errors[code] > 0)
            by_code += (by_code.empty() ? "\"" : ",\"") + std::string(name_of(code)) +
                       "\":" + std::to_string(outcome.errors[code]);
    std::string text = "{\"function\":";
    runtime::append_json_string(text, function);
    return text + ",\"requests\":" + std::to_string(requests()) +
           ",\"errors\":" + std::to_string(errors()) + ",\"window\":" + std::to_string(window) +
           ",\"size\":" + std::to_string(size) + ",\"threads\":" + std::to_string(threads) +
           ",\"seconds\":" + decimal(seconds, 6) + ",\"per_second\":" + decimal(rate(*this), 0) +
           ",\"mean_us\":" + microseconds(took.mean()) + ",\"p50_us\":" + quantile_us(took, 0.5) +
           ",\"p99_us\":" + quantile_us(took, 0.99) + ",\"p999_us\":" + quantile_us(took, 0.999) +
           ",\"max_us\":" + microseconds(static_cast<double>(took.max())) +
           ",\"cold_starts\":" + std::to_string(outcome.cold_starts) + ",\"errors_by_code\":{" +
           by_code + "}" + (open ? open->json(took) : "") + "}\n";
}

std::string bench_report::summary() const {
    const auto& took = outcome.latencies;
    const auto bytes =
        runtime::format_size(size) + (size < 1024 || size % 1024 != 0 ? " bytes" : "");
    std::string text = function + ": ";
    if (open) {
        text += open->summary(bytes, took);
    } else {
        text += grouped(requests()) + " calls of " + bytes + ", " + grouped(window) +
                " in flight, in " + decimal(seconds, 2) + " s\n" + "  calls per second  " +
                grouped(static_cast<std::uint64_t>(rate(*this))) + "\n  latency           p50 " +
                quantile_us(took, 0.5) + " us, p99 " + quantile_us(took, 0.99) + " us, p99.9 " +
                quantile_us(took, 0.999) + " us, max " +
                microseconds(static_cast<double>(took.max())) + " us\n  errors            " +
                grouped(errors()) + "\n";
    }
    text += "  cold starts       " + grouped(outcome.cold_starts) + "\n";
    for (std::size_t code = 0; code < outcome.errors.size(); ++code)
        if (outcome.errors[code] > 0)
            text +=
                "    " + std::string(name_of(code)) + " " + grouped(outcome.errors[code]) + "\n";
    return text;
}

bool bench_report::all_succeeded() const noexcept {
    return errors() == 0 && (!open || open->seconds.total().not_sent == 0);
}

std::vector<std::string> bench_report::complaints() const {
    std::vector<std::string> sentences;
    if (errors() > 0)
        sentences.push_back(grouped(errors()) + " of " + grouped(requests()) +
                            " calls failed; the first: " + outcome.first_error);
    if (!open) return sentences;
    if (const auto sum = open->seconds.total(); sum.not_sent > 0)
        sentences.push_back(grouped(sum.not_sent) + " of " + grouped(sum.offered) +
                            " calls were not sent: the window of " + grouped(window) +
                            " calls in flight was full");
    if (open->measured_itself(outcome.latencies))
        sentences.push_back(
            "this machine did not keep up with the rate: one call in a hundred was "
            "sent at least " +
            quantile_us(open->lag, 0.99) + " us late, which is a good part of the latencies");
    return sentences;
}

}  // namespace dunlin::program
