// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_report.hpp"

#include "runtime/program/progress.hpp"
#include "runtime/text/json_payload.hpp"
#include "runtime/text/quantity.hpp"

#include <array>
#include <cstdio>
#include <numeric>

namespace dunlin::program {
namespace {

std::string decimal(double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

std::string microseconds(double nanoseconds) { return decimal(nanoseconds / 1000, 1); }

std::string quantile_us(const support::log_histogram& of, double part) {
    return microseconds(static_cast<double>(of.quantile(part)));
}

double rate(const bench_report& report) {
    return report.seconds > 0
               ? static_cast<double>(report.outcome.latencies.count()) / report.seconds
               : 0;
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
           ",\"errors_by_code\":{" + by_code + "}}\n";
}

std::string bench_report::summary() const {
    const auto& took = outcome.latencies;
    std::string text =
        function + ": " + grouped(requests()) + " calls of " + runtime::format_size(size) +
        (size < 1024 || size % 1024 != 0 ? " bytes" : "") + ", " + grouped(window) +
        " in flight, in " + decimal(seconds, 2) + " s\n" + "  calls per second  " +
        grouped(static_cast<std::uint64_t>(rate(*this))) + "\n  latency           p50 " +
        quantile_us(took, 0.5) + " us, p99 " + quantile_us(took, 0.99) + " us, p99.9 " +
        quantile_us(took, 0.999) + " us, max " + microseconds(static_cast<double>(took.max())) +
        " us\n  errors            " + grouped(errors()) + "\n";
    for (std::size_t code = 0; code < outcome.errors.size(); ++code)
        if (outcome.errors[code] > 0)
            text +=
                "    " + std::string(name_of(code)) + " " + grouped(outcome.errors[code]) + "\n";
    return text;
}

}  // namespace dunlin::program
