// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/node_table.hpp"

#include "runtime/program/lenient_json.hpp"
#include "runtime/program/member_list.hpp"
#include "runtime/program/text_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <utility>
#include <vector>

namespace dunlin::program {
namespace {

constexpr std::array columns{align::left,  align::left, align::right, align::right,
                             align::right, align::left, align::right, align::left};

bool is_shown(const std::string& state, members_shown which) {
    return which == members_shown::all || (state != "dead" && state != "left");
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
    return printable(text);
}

member_memory memory_of(const memory_by_name& memory, const std::string& name) {
    const auto found = memory.find(name);
    return found == memory.end() ? member_memory{} : found->second;
}

// What a member that is gone was last heard of would look like what it is now.
table_row row_of(const member& one, const member_memory& memory) {
    return {printable(one.name) + (one.asked ? " *" : ""),
            printable(one.state),
            std::to_string(one.incarnation),
            one.living() ? percent(one.busy) : "-",
            one.living() ? part_of(memory.bytes_held, memory.bytes_held_max) : "-",
            printable(one.version),
            one.living() ? short_time_us(static_cast<double>(one.round_trip_us)) : "-",
            joined(one.endpoints)};
}

}  // namespace

std::string percent(double share) {
    return std::to_string(std::lround(std::clamp(share, 0.0, 1.0) * 100)) + "%";
}

std::string part_of(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) return "-";
    return percent(static_cast<double>(part) / static_cast<double>(whole));
}

std::string short_time_us(double time_us) {
    if (!(time_us > 0)) return "-";
    struct unit {
        const char* name;
        double in_us;
    };
    static constexpr std::array units{unit{"us", 1}, unit{"ms", 1e3}, unit{"s", 1e6}};
    std::size_t at = 0;
    // 999.6 us would be written as 1000 us.
    while (at + 1 < units.size() && time_us / units[at].in_us >= 999.5) ++at;
    const double value = time_us / units[at].in_us;
    std::array<char, 32> text{};
    const int digits = value < 9.95 && at > 0 ? 1 : 0;
    std::snprintf(text.data(), text.size(), "%.*f%s", digits, value, units[at].name);
    return text.data();
}

result<std::string> nodes_table(bytes_view payload, members_shown which,
                                const memory_by_name& memory) {
    auto all = read_members(payload);
    if (!all) return std::move(all.error());
    std::vector<table_row> rows{
        {"NODE", "STATE", "INCARNATION", "BUSY", "HELD", "VERSION", "ROUND TRIP", "ENDPOINTS"}};
    for (const auto& one : *all)
        if (is_shown(one.state, which)) rows.push_back(row_of(one, memory_of(memory, one.name)));
    return laid_out(rows, columns);
}

std::string wanted_line(const cluster::wanted_nodes& wanted) {
    return std::to_string(wanted.count) + (wanted.count == 1 ? " node" : " nodes") +
           " wanted: " + wanted.reason + "\n";
}

result<std::string> nodes_json(bytes_view payload, members_shown which,
                               const cluster::wanted_nodes* wanted, const memory_by_name& memory) {
    auto list = read_objects(payload, "list of members");
    if (!list) return std::move(list.error());
    json shown = json::array();
    for (auto& one : *list) {
        if (!is_shown(text_in(one, "state"), which)) continue;
        if (wanted != nullptr && one.value("self", json(false)) == json(true)) {
            one["wanted_nodes"] = wanted->count;
            one["wanted_nodes_reason"] = wanted->reason;
        }
        if (const auto held = memory_of(memory, text_in(one, "name")); held.bytes_held_max != 0) {
            one["bytes_held"] = held.bytes_held;
            one["bytes_held_max"] = held.bytes_held_max;
        }
        shown.push_back(std::move(one));
    }
    std::stable_sort(shown.begin(), shown.end(), [](const json& a, const json& b) {
        return std::pair(text_in(a, "name"), count_in(a, "instance")) <
               std::pair(text_in(b, "name"), count_in(b, "instance"));
    });
    return lines_of(shown);
}

}  // namespace dunlin::program
