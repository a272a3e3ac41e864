// SPDX-License-Identifier: Apache-2.0
#include "runtime/explain_answer.hpp"

#include "actors/limits.hpp"
#include "runtime/system_input.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>
#include <utility>

namespace dunlin::runtime {
namespace {

using json = nlohmann::ordered_json;  // inputs stay in the order in which they matter

json number(double value) {
    constexpr double exact_max = 9007199254740992.0;  // 2^53
    if (std::abs(value) < exact_max && std::trunc(value) == value)
        return static_cast<std::int64_t>(value);
    return value;
}

json describe(const actors::decision_record& record, const explain_clocks& now) {
    const auto of_day = [&](std::int64_t steady_ns) {
        return now.unix_us - (now.steady_ns - steady_ns) / 1000;
    };
    json inputs = json::object();
    for (const auto& each : record.what.inputs) inputs[each.name] = number(each.value);
    return {{"number", record.number},
            {"time_us", of_day(record.first_ns)},
            {"last_us", of_day(record.last_ns)},
            {"function", *record.function},
            {"kind", std::string(actors::to_string(record.what.kind))},
            {"rule", std::string(record.what.rule)},
            {"inputs", std::move(inputs)},
            {"of", record.what.of},
            {"before", record.what.before},
            {"after", record.what.after},
            {"amount", record.amount},
            {"count", record.count}};
}

error refused(std::string_view what) {
    return {errc::invalid_argument,
            "dunlin/explain: " + std::string(what) +
                "; it takes nil, or a map that may hold function (a text), after and limit (whole "
                "numbers), and settled (true or false)"};
}

}  // namespace

explain_clocks explain_clocks::now() {
    using namespace std::chrono;
    return {steady_clock::now().time_since_epoch() / nanoseconds(1),
            system_clock::now().time_since_epoch() / microseconds(1)};
}

result<explain_question> read_explain_question(const std::uint8_t* payload, std::size_t size) {
    explain_question asked;
    if (size == 0) return asked;
    const auto input = read_system_input<json>(payload, size);
    if (input.is_null()) return asked;
    if (!input.is_object()) return refused("the input is no map");
    if (const auto at = input.find("function"); at != input.end() && !at->is_null()) {
        if (!at->is_string()) return refused("function is no text");
        asked.function = at->get<std::string>();
    }
    if (const auto at = input.find("after"); at != input.end() && !at->is_null()) {
        if (!at->is_number_unsigned()) return refused("after is no number of a record");
        asked.after = at->get<std::uint64_t>();
    }
    if (const auto at = input.find("limit"); at != input.end() && !at->is_null()) {
        if (!at->is_number_unsigned()) return refused("limit is no number of records");
        asked.limit = static_cast<std::size_t>(
            std::min<std::uint64_t>(at->get<std::uint64_t>(), explain_limit_max));
    }
    if (const auto at = input.find("settled"); at != input.end() && !at->is_null()) {
        if (!at->is_boolean()) return refused("settled is neither true nor false");
        asked.settled = at->get<bool>();
    }
    return asked;
}

std::vector<std::uint8_t> explain_answer(const actors::decision_log& decisions,
                                         const explain_question& asked, const std::string& node,
                                         bool served, const explain_clocks& now) {
    actors::decision_log::question wanted{.function = asked.function, .limit = asked.limit};
    if (asked.settled) wanted.until_ns = now.steady_ns - actors::limits::decisions_folded_ns;
    const auto found =
        asked.after ? decisions.after(*asked.after, wanted) : decisions.newest(wanted);
    json records = json::array();
    for (const auto& each : found.records) records.push_back(describe(each, now));
    const json all = {{"node", node},
                      {"known", served || asked.function.empty() || !found.records.empty()},
                      {"oldest", found.oldest},
                      {"read_to", found.read_to},
                      {"kept_max", decisions.capacity()},
                      {"records", std::move(records)}};
    return json::to_msgpack(all);
}

}  // namespace dunlin::runtime
