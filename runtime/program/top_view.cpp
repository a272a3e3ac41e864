// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_view.hpp"

#include "runtime/program/lenient_json.hpp"
#include "runtime/program/node_table.hpp"
#include "runtime/program/progress.hpp"
#include "runtime/program/text_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>
#include <utility>
#include <vector>

namespace dunlin::program {
namespace {

constexpr std::array node_columns{align::left,  align::left,  align::right, align::right,
                                  align::right, align::right, align::right, align::right};
constexpr std::array function_columns{align::left,  align::right, align::right, align::right,
                                      align::right, align::right, align::right, align::right,
                                      align::right, align::right};
constexpr std::array space_columns{align::left,  align::right, align::right, align::right,
                                   align::right, align::right, align::right, align::right,
                                   align::right, align::right, align::right, align::right,
                                   align::right};
constexpr std::size_t name_width_max = 40;

// A rate below ten would lose all it says when it is rounded.
std::string rate(double per_second) {
    if (per_second <= 0) return "0";
    if (per_second >= 9.95)
        return grouped(static_cast<unsigned long long>(std::llround(per_second)));
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%.1f", std::max(per_second, 0.1));
    return text.data();
}

std::string shown_name(const std::string& name) { return cut_to(printable(name), name_width_max); }

bool in_trouble(const top_node& node) {
    return node.state != "alive" || (node.asked && !node.answers);
}

table_row row_of(const top_node& node) {
    std::string state = printable(node.state);
    if (!node.asked)
        state += ", not asked";
    else if (!node.answers)
        state += ", no answer";
    table_row cells{shown_name(node.name) + (node.asked_for_members ? " *" : ""), state};
    const auto& rates = node.rates;
    cells.push_back(rates ? rate(rates->calls_rate) : "-");
    cells.push_back(node.answers ? grouped(node.calls_open) : "-");
    cells.push_back(node.answers || !node.asked ? percent(node.busy) : "-");
    cells.push_back(rates ? rate(rates->forwarded_rate) : "-");
    cells.push_back(rates ? rate(rates->retried_rate) : "-");
    cells.push_back(node.answers ? part_of(node.bytes_held, node.bytes_held_max) : "-");
    return cells;
}

table_row row_of(const top_function& function, bool with_stuck) {
    table_row cells{shown_name(function.name),
                    rate(function.calls_rate),
                    short_time_us(quantile_us(function.latency, 0.5)),
                    short_time_us(quantile_us(function.latency, 0.99)),
                    grouped(function.queue_depth),
                    grouped(function.activations),
                    rate(function.refused_rate),
                    std::to_string(function.nodes)};
    if (with_stuck) cells.push_back(grouped(function.stuck));
    cells.push_back(rate(function.started_rate));  // the first to go where there is no room
    return cells;
}

std::string hits(const top_space& space) {
    const auto asked = space.found + space.missed;
    return asked == 0 ? "-"
                      : percent(static_cast<double>(space.found) / static_cast<double>(asked));
}

std::vector<table_row> rows_of(const std::vector<top_space>& spaces) {
    std::vector<table_row> rows{{"SPACE", "TURNS/S", "HITS", "KEYS", "BYTES", "LOADS/S", "WRITES/S",
                                 "GATE P50", "GATE P99", "WAITING", "NODES"}};
    // Columns that are hardly ever wanted.
    const auto any = [&](auto wanted) { return std::any_of(spaces.begin(), spaces.end(), wanted); };
    const bool conflicts = any([](const top_space& each) { return each.conflicts_rate > 0; });
    const bool failures =
        any([](const top_space& each) { return each.failures_rate > 0 || each.refused_by != 0; });
    if (conflicts) rows.front().push_back("CONFLICTS/S");
    if (failures) rows.front().push_back("TROUBLE");
    for (const auto& each : spaces) {
        rows.push_back({shown_name(each.name), rate(each.turns_rate), hits(each),
                        grouped(each.keys), grouped(each.bytes), rate(each.loads_rate),
                        rate(each.writes_rate), short_time_us(quantile_us(each.gate, 0.5)),
                        short_time_us(quantile_us(each.gate, 0.99)), grouped(each.waiting),
                        std::to_string(each.nodes)});
        if (conflicts) rows.back().push_back(rate(each.conflicts_rate));
        if (!failures) continue;
        std::string trouble =
            each.refused_by == 0 ? std::string() : "refused by " + std::to_string(each.refused_by);
        if (each.failures_rate > 0)
            trouble += (trouble.empty() ? "" : ", ") + rate(each.failures_rate) + " failures/s";
        rows.back().push_back(trouble.empty() ? "-" : trouble);
    }
    return rows;
}

// As many lines as there are, or one less and a line about the rest.
std::string some_of(const std::vector<table_row>& rows, std::span<const align> columns,
                    std::size_t shown_max, std::size_t width) {
    const std::size_t all = rows.size() - 1;  // without the heads
    const std::size_t shown =
        all <= shown_max ? all : shown_max - std::min<std::size_t>(1, shown_max);
    auto text = laid_out_within(
        {rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(shown + 1)}, columns, width);
    if (shown < all) text += cut_to("... " + std::to_string(all - shown) + " more", width) + "\n";
    return text;
}

std::string first_line(const top_model& model, std::size_t width, const std::string& hint) {
    double calls = 0;
    for (const auto& function : model.functions) calls += function.calls_rate;
    const auto silent = static_cast<std::size_t>(
        std::count_if(model.nodes.begin(), model.nodes.end(),
                      [](const top_node& node) { return node.asked && !node.answers; }));
    std::string line = std::to_string(model.nodes.size()) +
                       (model.nodes.size() == 1 ? " node" : " nodes") + " as seen by " +
                       printable(model.asked) + ", " + rate(calls) + " calls/s";
    if (silent > 0) line += ", " + std::to_string(silent) + " without an answer";
    line = cut_to(std::move(line), width);
    if (!hint.empty() && width_of(line) + 2 + width_of(hint) <= width) {
        const bool endless = width == screen_size{}.columns;
        line.append(endless ? 2 : width - width_of(line) - width_of(hint), ' ');
        line += hint;
    }
    return line + "\n";
}

std::string first_lines(std::string text, std::size_t lines) {
    std::size_t at = 0;
    for (std::size_t seen = 0; seen < lines && at < text.size(); ++seen)
        at = text.find('\n', at) + 1;
    text.resize(at);
    return text;
}

json json_of(const top_node& node) {
    const auto known = [&](auto node_rates::*rate) {
        return node.rates ? json((*node.rates).*rate) : json(nullptr);
    };
    return {{"name", node.name},
            {"state", node.state},
            {"instance", node.instance},
            {"answers", node.answers},
            {"calls", known(&node_rates::calls)},
            {"calls_per_second", known(&node_rates::calls_rate)},
            {"calls_open", node.answers ? json(node.calls_open) : json(nullptr)},
            {"busy", node.busy},
            {"bytes_held", node.answers ? json(node.bytes_held) : json(nullptr)},
            {"bytes_held_max", node.answers ? json(node.bytes_held_max) : json(nullptr)},
            {"forwarded_per_second", known(&node_rates::forwarded_rate)},
            {"retried_per_second", known(&node_rates::retried_rate)},
            {"seconds", known(&node_rates::seconds)}};
}

json json_of(const top_function& function) {
    const auto quantile = [&](double part) {
        return function.latency.empty() ? json(nullptr) : json(quantile_us(function.latency, part));
    };
    return {{"name", function.name},
            {"calls", function.calls},
            {"calls_per_second", function.calls_rate},
            {"p50_us", quantile(0.5)},
            {"p99_us", quantile(0.99)},
            {"queue_depth", function.queue_depth},
            {"refused_per_second", function.refused_rate},
            {"nodes", function.nodes},
            {"stuck", function.stuck},
            {"activations", function.activations},
            {"started_per_second", function.started_rate},
            {"retired_per_second", function.retired_rate},
            {"cold_calls_per_second", function.cold_calls_rate}};
}

json json_of(const top_space& space) {
    const auto quantile = [&](double part) {
        return space.gate.empty() ? json(nullptr) : json(quantile_us(space.gate, part));
    };
    return {{"space", space.name},
            {"nodes", space.nodes},
            {"refused_by", space.refused_by},
            {"keys_in_memory", space.keys},
            {"bytes_in_memory", space.bytes},
            {"waiting", space.waiting},
            {"found", space.found},
            {"missed", space.missed},
            {"turns_per_second", space.turns_rate},
            {"loads_per_second", space.loads_rate},
            {"evicted_per_second", space.evicted_rate},
            {"writes_per_second", space.writes_rate},
            {"batches_per_second", space.batches_rate},
            {"batches_failed_per_second", space.failures_rate},
            {"conflicts_per_second", space.conflicts_rate},
            {"gate_p50_us", quantile(0.5)},
            {"gate_p99_us", quantile(0.99)}};
}

}  // namespace

std::string top_text(const top_model& model, screen_size size, const std::string& hint) {
    std::vector<table_row> nodes{
        {"NODE", "STATE", "CALLS/S", "IN FLIGHT", "BUSY", "FORWARDED/S", "RETRIED/S", "HELD"}};
    std::vector<table_row> functions{
        {"FUNCTION", "CALLS/S", "P50", "P99", "QUEUE", "ACTORS", "REFUSED/S", "NODES"}};
    // A column that is hardly ever wanted.
    const bool with_stuck =
        std::any_of(model.functions.begin(), model.functions.end(),
                    [](const top_function& function) { return function.stuck != 0; });
    if (with_stuck) functions.front().push_back("STUCK");
    functions.front().push_back("STARTS/S");
    // The line about the whole, two or three lines of heads and a blank one before each of them.
    const bool with_spaces = !model.spaces.empty();
    const std::size_t lines_around = with_spaces ? 7 : 5;
    const std::size_t all_room = size.lines - std::min(size.lines, lines_around);
    const std::size_t space_room = std::min(model.spaces.size(), all_room / 4);
    const std::size_t room = all_room - space_room;
    const std::size_t node_room =
        model.nodes.size() <= room / 2
            ? model.nodes.size()
            : std::max(room / 2, room - std::min(room, model.functions.size()));
    const std::size_t function_room = room - std::min(node_room, model.nodes.size());

    std::vector<const top_node*> order;
    for (const auto& node : model.nodes) order.push_back(&node);
    if (order.size() > node_room)
        std::stable_partition(order.begin(), order.end(),
                              [](const top_node* node) { return in_trouble(*node); });
    for (const auto* node : order) nodes.push_back(row_of(*node));
    const auto above = std::min(model.functions_above, model.functions.size());
    for (std::size_t i = above; i < model.functions.size(); ++i)
        functions.push_back(row_of(model.functions[i], with_stuck));

    auto text = first_line(model, size.columns, hint) + "\n" +
                some_of(nodes, node_columns, node_room, size.columns);
    if (above != 0) functions.front().front() += " (" + std::to_string(above) + " above)";
    if (!model.functions.empty())
        text +=
            "\n" + some_of(functions, std::span(function_columns).first(functions.front().size()),
                           function_room, size.columns);
    if (space_room != 0) {
        const auto spaces = rows_of(model.spaces);
        text += "\n" + some_of(spaces, std::span(space_columns).first(spaces.front().size()),
                               space_room, size.columns);
    }
    return first_lines(std::move(text), size.lines);
}

std::string top_json(const top_model& model) {
    json nodes = json::array();
    for (const auto& node : model.nodes) nodes.push_back(json_of(node));
    json functions = json::array();
    for (const auto& function : model.functions) functions.push_back(json_of(function));
    json spaces = json::array();
    for (const auto& space : model.spaces) spaces.push_back(json_of(space));
    const json all{
        {"asked", model.asked}, {"nodes", nodes}, {"functions", functions}, {"spaces", spaces}};
    return all.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace dunlin::program
