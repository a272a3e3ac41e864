// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/simulate_report.hpp"

#include "runtime/program/progress.hpp"
#include "runtime/program/text_table.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <cstdio>

namespace dunlin::program {
namespace {

using runtime::rehearsal::outcome;

// What a figure means, and no more: thousandths.
double rounded(double value) { return std::round(value * 1000) / 1000; }

double quantile_us(const outcome& of, double part) {
    return static_cast<double>(of.totals.waits().quantile(part)) / 1000;
}

double max_us(const outcome& of) { return static_cast<double>(of.totals.waits().max()) / 1000; }

std::string decimal(double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

// Three digits are enough to compare waits.
std::string shown_wait(double us) {
    if (us >= 1e6) return decimal(us / 1e6, us >= 1e7 ? 0 : 2) + " s";
    if (us >= 1e3) return decimal(us / 1e3, us >= 1e4 ? 0 : 2) + " ms";
    return decimal(us, us >= 10 || us == 0 ? 0 : 2) + " us";
}

}  // namespace

std::string simulate_json(const std::string& trace, std::span<const outcome> outcomes) {
    nlohmann::ordered_json policies = nlohmann::ordered_json::array();
    for (const auto& of : outcomes)
        policies.push_back({{"policy", of.policy},
                            {"busy_seconds", rounded(of.totals.busy_seconds())},
                            {"actor_seconds", rounded(of.totals.actor_seconds())},
                            {"oracle_ratio", rounded(of.oracle_ratio())},
                            {"wait_p50_us", rounded(quantile_us(of, 0.5))},
                            {"wait_p99_us", rounded(quantile_us(of, 0.99))},
                            {"wait_max_us", rounded(max_us(of))},
                            {"starts", of.totals.starts()},
                            {"starts_per_second", rounded(of.starts_per_second())},
                            {"actors_max", of.totals.actors_max()},
                            {"refused", of.totals.refused()}});
    const nlohmann::ordered_json all{{"trace", trace}, {"policies", std::move(policies)}};
    return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string simulate_table(std::span<const outcome> outcomes) {
    constexpr std::array columns{align::left,  align::right, align::right, align::right,
                                 align::right, align::right, align::right, align::right,
                                 align::right, align::right, align::right};
    std::vector<table_row> rows{{"POLICY", "BUSY", "ACTORS", "RATIO", "WAIT P50", "P99", "MAX",
                                 "STARTS", "A SECOND", "MOST", "REFUSED"}};
    for (const auto& of : outcomes)
        rows.push_back({of.policy,
                        grouped(static_cast<unsigned long long>(of.totals.busy_seconds())) + " s",
                        grouped(static_cast<unsigned long long>(of.totals.actor_seconds())) + " s",
                        decimal(of.oracle_ratio(), 3) + "x", shown_wait(quantile_us(of, 0.5)),
                        shown_wait(quantile_us(of, 0.99)), shown_wait(max_us(of)),
                        grouped(of.totals.starts()), decimal(of.starts_per_second(), 1),
                        grouped(static_cast<unsigned long long>(of.totals.actors_max())),
                        grouped(of.totals.refused())});
    return laid_out(rows, columns);
}

}  // namespace dunlin::program
