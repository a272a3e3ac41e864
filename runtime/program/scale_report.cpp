// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/scale_report.hpp"

#include "runtime/config/scale_fields.hpp"
#include "runtime/program/text_table.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <limits>
#include <utility>

namespace dunlin::program {
namespace {

using runtime::scale_row;

/// A summary is a line.
constexpr std::size_t names_listed_max = 16;

const json* object_in(const json& from, std::string_view key) {
    if (!from.is_object()) return nullptr;
    const auto found = from.find(key);
    return found != from.end() && found->is_object() ? &*found : nullptr;
}

// "64", "5ms", "high", or that it follows from the kind of the function.
std::string value_in(const json& setting, const scale_row& row) {
    const auto value = setting.find("value");
    if (value == setting.end()) return "?";
    if (value->is_null()) return "by its kind";
    if (value->is_string()) return printable(value->get_ref<const std::string&>());
    if (!value->is_number_unsigned()) return "?";
    constexpr auto most = std::numeric_limits<std::int64_t>::max() / 1000;
    const auto number = std::min<std::uint64_t>(value->get<std::uint64_t>(), most);
    return runtime::value_text(row, static_cast<std::int64_t>(number));
}

// "64 (file)"; a dash where a node says nothing.
std::string shown(const json* settings, const scale_row& row) {
    const auto* setting = settings == nullptr ? nullptr : object_in(*settings, row.wire);
    if (setting == nullptr) return "-";
    const auto source = text_in(*setting, "source");
    return value_in(*setting, row) + (source.empty() ? "" : " (" + printable(source) + ")");
}

std::string head_of(const scale_row& row) {
    std::string head;
    for (const char c : row.key)
        head += c == '_' ? ' ' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return head;
}

std::string named(const std::vector<std::string>& names) {
    std::string text;
    const auto count = std::min(names.size(), names_listed_max);
    for (std::size_t i = 0; i < count; ++i) {
        const bool last = i + 1 == names.size();
        text += (i == 0 ? "" : last ? " and " : ", ") + printable(names[i]);
    }
    if (names.size() > count) text += " and " + std::to_string(names.size() - count) + " more";
    return text;
}

std::vector<std::string> nodes_with(const std::vector<scale_outcome>& all, scale_end end) {
    std::vector<std::string> names;
    for (const auto& each : all)
        if (each.end == end) names.push_back(each.node);
    return names;
}

std::string not_served(const std::vector<scale_outcome>& all) {
    const auto names = nodes_with(all, scale_end::not_served);
    if (names.empty()) return "";
    return named(names) + (names.size() == 1 ? " does" : " do") + " not serve it.\n";
}

}  // namespace

scale_outcome read_scale_outcome(const std::string& node, std::string_view function,
                                 const result<bytes>& reply) {
    if (reply) {
        auto answer = read_value(reply->view());
        if (answer.is_object()) return {node, scale_end::answered, std::move(answer), ""};
        return {node, scale_end::failed, nullptr,
                "its answer is no map; it may speak a newer version"};
    }
    const auto& why = reply.error();
    if (why.code == errc::not_found)
        return {node, scale_end::failed, nullptr, "its version cannot be told how to scale"};
    if (why.code == errc::invalid_argument &&
        why.detail.starts_with("no function " + std::string(function) + " "))
        return {node, scale_end::not_served, nullptr, why.detail};
    return {node, scale_end::failed, nullptr, to_string(why)};
}

std::string scale_table(const std::vector<scale_outcome>& all) {
    std::vector<table_row> rows{{"NODE"}};
    std::vector<align> columns{align::left};
    for (const auto& row : runtime::scale_rows()) {
        rows.front().push_back(head_of(row));
        columns.push_back(align::left);
    }
    for (const auto& each : all) {
        if (each.end != scale_end::answered) continue;
        table_row line{printable(each.node)};
        for (const auto& row : runtime::scale_rows())
            line.push_back(shown(object_in(each.answer, "after"), row));
        rows.push_back(std::move(line));
    }
    return (rows.size() > 1 ? laid_out(rows, columns) : "") + not_served(all);
}

std::string scale_changes(const std::vector<scale_outcome>& all) {
    std::vector<table_row> rows{{"NODE", "SETTING", "BEFORE", "", "AFTER"}};
    std::vector<std::string> unchanged;
    for (const auto& each : all) {
        if (each.end != scale_end::answered) continue;
        const auto count = rows.size();
        const auto* before = object_in(each.answer, "before");
        const auto* after = object_in(each.answer, "after");
        for (const auto& row : runtime::scale_rows()) {
            auto was = shown(before, row);
            auto is = shown(after, row);
            if (was != is)
                rows.push_back({printable(each.node), std::string(row.key), std::move(was), "->",
                                std::move(is)});
        }
        if (rows.size() == count) unchanged.push_back(each.node);
    }
    constexpr std::array<align, 5> columns{};
    auto text = rows.size() > 1 ? laid_out(rows, columns) : "";
    if (!unchanged.empty()) text += "Nothing changes on " + named(unchanged) + ".\n";
    return text + not_served(all);
}

std::string scale_json(const std::vector<scale_outcome>& all) {
    json list = json::array();
    for (const auto& each : all) {
        json one = {{"node", each.node}};
        if (each.end == scale_end::failed) {
            one["error"] = each.why;
        } else {
            one["served"] = each.end == scale_end::answered;
            for (const char* key : {"before", "after"})
                if (const auto* settings = object_in(each.answer, key)) one[key] = *settings;
        }
        list.push_back(std::move(one));
    }
    return lines_of(list);
}

std::string scale_left_over(const std::vector<scale_outcome>& all) {
    const auto failed = nodes_with(all, scale_end::failed);
    const auto set = nodes_with(all, scale_end::answered);
    if (failed.empty() || set.empty()) return "";
    return "set on " + named(set) + ", but not on " + named(failed) +
           "; the command can be repeated";
}

}  // namespace dunlin::program
