// SPDX-License-Identifier: Apache-2.0
#include "call_book.hpp"

#include <algorithm>
#include <cinttypes>
#include <string>

namespace dunlin::chaos {

namespace {

std::int64_t us(load_clock::duration time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}
std::int64_t us(load_clock::time_point when) { return us(when.time_since_epoch()); }

std::string on_one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

double ms(std::uint64_t micro) { return static_cast<double>(micro) / 1e3; }

}  // namespace

call_book::~call_book() {
    if (calls_ != nullptr) std::fclose(calls_);
}

void call_book::started() {
    std::lock_guard lock(mutex_);
    if (started_ == ended_) quiet_since_ = load_clock::now();
    ++started_;
}

void call_book::note_gap(load_clock::time_point now) {
    if (now - quiet_since_ > gap_max_) {
        gap_max_ = now - quiet_since_;
        gap_at_ = quiet_since_;
    }
}

void call_book::ended(std::uint64_t id, load_clock::time_point due, load_clock::time_point began,
                      const result<receipt>& outcome) {
    const auto now = load_clock::now();
    std::lock_guard lock(mutex_);
    ++ended_;
    const auto latency = static_cast<std::uint64_t>(std::max<std::int64_t>(0, us(now - due)));
    latencies_.record(latency);
    latest_us_max_ = std::max(latest_us_max_, latency);
    std::string code = "ok";
    if (outcome) {
        ++ok_;
        if (outcome->attempt > 0) ++repeated_;
        ++nodes_[outcome->node];
        note_gap(now);
        quiet_since_ = now;
    } else {
        const auto& why = outcome.error();
        const auto number = static_cast<std::int32_t>(why.code);
        code = to_string(why.code);
        ++errors_[number];
        if (failed_.size() < failures_max) failed_.push_back({id, number, why.did_not_run});
        if (details_.size() < details_max || details_.count(why.detail) != 0)
            ++details_[why.detail];
    }
    if (calls_ != nullptr)
        std::fprintf(
            calls_, "%" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64 " %s %d %s %" PRIu64 " %s\n", id,
            us(due), us(began), us(now), code.c_str(),
            outcome ? 0 : static_cast<int>(outcome.error().did_not_run),
            outcome && !outcome->node.empty() ? outcome->node.c_str() : "-",
            outcome ? outcome->us : 0, outcome ? "" : on_one_line(outcome.error().detail).c_str());
    fewer_.notify_all();
}

bool call_book::wait_below(std::size_t in_flight, load_clock::time_point limit) {
    std::unique_lock lock(mutex_);
    return fewer_.wait_until(lock, limit, [&] { return started_ - ended_ < in_flight; });
}

std::uint64_t call_book::failures() const {
    std::lock_guard lock(mutex_);
    return ended_ - ok_;
}

nlohmann::json call_book::errors() const {
    auto counts = nlohmann::json::object();
    for (const auto& [number, count] : errors_)
        counts[std::string(to_string(errc_from_number(number)))] = count;
    return counts;
}

nlohmann::json call_book::progress(load_clock::time_point began) {
    const auto now = load_clock::now();
    std::lock_guard lock(mutex_);
    const auto quiet = started_ == ended_ ? load_clock::duration{} : now - quiet_since_;
    return {{"ms", us(now - began) / 1000},
            {"started", started_},
            {"ok", ok_},
            {"errors", errors()},
            {"in_flight", started_ - ended_},
            {"latency_ms_max", ms(std::exchange(latest_us_max_, 0))},
            {"quiet_ms", us(quiet) / 1000}};
}

nlohmann::json call_book::summary(load_clock::time_point began) {
    const auto now = load_clock::now();
    std::lock_guard lock(mutex_);
    if (started_ != ended_) note_gap(now);
    auto failed = nlohmann::json::array();
    for (const auto& each : failed_) failed.push_back(each.id);
    if (calls_ != nullptr) std::fflush(calls_);
    return {{"calls", started_},
            {"unanswered", started_ - ended_},
            {"ok", ok_},
            {"ok_after_retry", repeated_},
            {"errors", errors()},
            {"details", details_},
            {"nodes", nodes_},
            {"seconds", static_cast<double>(us(now - began)) / 1e6},
            {"p50_ms", ms(latencies_.quantile(0.5))},
            {"p99_ms", ms(latencies_.quantile(0.99))},
            {"p999_ms", ms(latencies_.quantile(0.999))},
            {"max_ms", ms(latencies_.max())},
            {"stall_ms", us(gap_max_) / 10'000 * 10},
            {"stall_at_us", us(gap_at_)},
            {"failed", std::move(failed)}};
}

}  // namespace dunlin::chaos
