// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_sample.hpp"

#include "runtime/program/lenient_json.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace dunlin::program {
namespace {

latency_buckets read_latency(const json& function) {
    latency_buckets counted;
    const auto list = function.find("latency");
    if (list == function.end() || !list->is_array()) return counted;
    for (const auto& pair : *list)
        if (pair.is_array() && pair.size() == 2 && pair[0].is_number() &&
            pair[1].is_number_unsigned())
            counted[pair[0].get<double>()] += pair[1].get<std::uint64_t>();
    return counted;
}

}  // namespace

result<node_sample> read_sample(bytes_view payload) {
    const auto stats = read_value(payload);
    if (!stats.is_object())
        return {errc::internal, "the node's figures are no map; it may speak a newer version"};
    node_sample sample;
    sample.node = text_in(stats, "node");
    sample.calls_open = count_in(stats, "calls_open");
    sample.forwarded = count_in(stats, "calls_forwarded");
    sample.retried = count_in(stats, "calls_retried");
    sample.busy = number_in(stats, "busy");
    const auto functions = stats.find("functions");
    if (functions == stats.end() || !functions->is_array()) return sample;
    for (const auto& each : *functions) {
        if (!each.is_object()) continue;
        auto name = text_in(each, "name");
        if (name.starts_with("dunlin/")) continue;
        sample.functions[std::move(name)] = {
            count_in(each, "invocations"), count_in(each, "refused"), count_in(each, "queue_depth"),
            read_latency(each), count_in(each, "stuck")};
    }
    return sample;
}

latency_buckets grown(const latency_buckets& before, const latency_buckets& now) {
    latency_buckets difference;
    for (const auto& [upper_us, count] : now) {
        const auto earlier = before.find(upper_us);
        const auto more = grown(earlier == before.end() ? 0 : earlier->second, count);
        if (more > 0) difference.emplace(upper_us, more);
    }
    return difference;
}

double quantile_us(const latency_buckets& counted, double part) noexcept {
    std::uint64_t all = 0;
    for (const auto& bucket : counted) all += bucket.second;
    if (all == 0) return 0;
    const auto rank = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(all))));
    std::uint64_t seen = 0;
    for (const auto& [upper_us, count] : counted)
        if ((seen += count) >= rank) return upper_us;
    return counted.rbegin()->first;
}

}  // namespace dunlin::program
