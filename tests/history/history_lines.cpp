// SPDX-License-Identifier: Apache-2.0
#include "tests/history/history_lines.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <utility>

namespace dunlin::history {

namespace {

using json = nlohmann::json;

constexpr std::array<std::string_view, 4> actions{"add", "append", "read", "erase"};
constexpr std::array<std::string_view, 3> endings{"ok", "not_run", "unknown"};

error unread(const std::string& why) {
    return {errc::invalid_argument, "no operation of a history: " + why};
}

template <class Names>
[[nodiscard]] std::size_t place_of(const Names& names, const std::string& name) {
    std::size_t at = 0;
    while (at < names.size() && names[at] != name) ++at;
    return at;
}

}  // namespace

std::string line_of(std::string_view key, const operation& which) {
    json line{{"key", key},
              {"id", which.id},
              {"op", actions[static_cast<std::size_t>(which.what)]},
              {"end", endings[static_cast<std::size_t>(which.how)]},
              {"called_ns", which.called_ns}};
    if (which.answered()) line["ended_ns"] = which.ended_ns;
    if (which.count) line["count"] = *which.count;
    if (which.entries) line["entries"] = *which.entries;
    return line.dump();
}

result<void> read_line(std::string_view line, keyed_history& into) {
    const auto read = json::parse(line, nullptr, false);
    if (!read.is_object()) return unread("no JSON object");
    try {
        operation one;
        one.id = read.at("id").get<std::uint64_t>();
        const auto what = place_of(actions, read.at("op").get<std::string>());
        if (what == actions.size()) return unread("op is add, append, read or erase");
        one.what = static_cast<action>(what);
        const auto how = place_of(endings, read.at("end").get<std::string>());
        if (how == endings.size()) return unread("end is ok, not_run or unknown");
        one.how = static_cast<ending>(how);
        one.called_ns = read.at("called_ns").get<std::int64_t>();
        if (one.answered()) one.ended_ns = read.at("ended_ns").get<std::int64_t>();
        if (const auto at = read.find("count"); at != read.end())
            one.count = at->get<std::uint64_t>();
        if (const auto at = read.find("entries"); at != read.end())
            one.entries = at->get<std::vector<std::uint64_t>>();
        into.add(read.at("key").get<std::string>(), std::move(one));
    } catch (const json::exception& why) {
        return unread(why.what());
    }
    return {};
}

}  // namespace dunlin::history
