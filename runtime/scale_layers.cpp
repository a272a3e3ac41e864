// SPDX-License-Identifier: Apache-2.0
#include "runtime/scale_layers.hpp"

#include "runtime/text/suggest.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace dunlin::runtime {
namespace {

/// An error lists no more, so that it stays a line.
constexpr std::size_t names_listed_max = 16;

settled_scale defaults() noexcept {
    const actors::scale_settings plain;
    const auto us = [](std::chrono::nanoseconds time) {
        return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    };
    settled_scale settled;
    settled.of(scale_field::min).number = static_cast<std::int64_t>(plain.min);
    settled.of(scale_field::target_wait).number = us(plain.target_wait);
    settled.of(scale_field::idle).number = us(plain.idle);
    settled.of(scale_field::priority).number = static_cast<std::int64_t>(plain.priority);
    settled.of(scale_field::weight).number = plain.weight;
    return settled;
}

void apply(settled_scale& to, const actors::scale_wishes& said, scale_source by) noexcept {
    for (const auto& row : scale_rows())
        if (const auto number = number_of(said, row.field)) to.of(row.field) = {number, by};
}

/// The node's limit for all functions: of what an author wants, and where nobody says anything.
void limit(settled_scale& to, std::size_t activations) noexcept {
    if (activations == 0) return;
    const auto most = static_cast<std::int64_t>(activations);
    const scale_value limited{most, scale_source::activations};
    auto& max = to.of(scale_field::max);
    if (!max.number || *max.number > most) max = limited;
    if (auto& min = to.of(scale_field::min); *min.number > most) min = limited;
}

std::string said(std::string_view what, const scale_value& value) {
    auto text = std::string(what) + " " + std::to_string(*value.number);
    switch (value.source) {
        case scale_source::by_default: return text + " by default";
        case scale_source::author: return text + " by the function's author";
        case scale_source::activations: return text + " by --activations";
        case scale_source::file: return text + " by the node's file";
        case scale_source::command: return text + " by dunlin scale";
    }
    return text;
}

std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), names_listed_max); ++i)
        text += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > names_listed_max)
        text += " and " + std::to_string(names.size() - names_listed_max) + " more";
    return text;
}

error no_such_function(const function_settings& wanted, const scale_plan& plan) {
    std::vector<std::string> names;
    for (const auto& [name, unused] : plan) names.push_back(name);
    std::string why = wanted.where + ": functions: ";
    if (wanted.name.starts_with("dunlin/"))
        return {errc::invalid_argument,
                why + wanted.name + " is the node's own function, which scales by itself"};
    why += "no function \"" + wanted.name + "\"" + did_you_mean(wanted.name, names);
    why += why.ends_with('?') ? " There are " : "; there are ";
    return {errc::invalid_argument,
            why + (names.empty() ? "none: the node has no module" : listed(names))};
}

}  // namespace

std::string_view to_string(scale_source source) noexcept {
    switch (source) {
        case scale_source::by_default: return "default";
        case scale_source::author: return "author";
        case scale_source::activations: return "activations";
        case scale_source::file: return "file";
        case scale_source::command: return "command";
    }
    return "unknown";
}

actors::scale_settings settled_scale::settings() const noexcept {
    using std::chrono::microseconds;
    actors::scale_settings all;
    all.min = static_cast<std::size_t>(*of(scale_field::min).number);
    all.max = static_cast<std::size_t>(of(scale_field::max).number.value_or(0));
    all.target_wait = microseconds(*of(scale_field::target_wait).number);
    all.idle = microseconds(*of(scale_field::idle).number);
    all.priority = static_cast<actors::function_priority>(*of(scale_field::priority).number);
    all.weight = static_cast<std::uint32_t>(*of(scale_field::weight).number);
    return all;
}

settled_scale scale_layers::settle() const noexcept {
    auto settled = defaults();
    apply(settled, author, scale_source::author);
    limit(settled, activations);
    apply(settled, file, scale_source::file);
    apply(settled, command, scale_source::command);
    return settled;
}

result<void> check(const settled_scale& settled) {
    const auto& min = settled.of(scale_field::min);
    const auto& max = settled.of(scale_field::max);
    if (!max.number || *min.number <= *max.number) return {};
    return {errc::invalid_argument, said("min", min) + " is above " + said("max", max)};
}

result<scale_plan> plan_scales(std::span<const loaded_module> modules, const node_config& config) {
    scale_plan plan;
    for (const auto& module : modules)
        for (const auto& function : module.functions)
            plan[function.name] = {function.scale, config.activations, {}, {}};
    for (const auto& each : config.functions) {
        const auto found = plan.find(each.name);
        if (found == plan.end()) return no_such_function(each, plan);
        found->second.file = each.scale;
        if (auto good = check(found->second.settle()); !good)
            return error{errc::invalid_argument,
                         each.where + ": functions.\"" + each.name + "\": " + good.error().detail};
    }
    return plan;
}

}  // namespace dunlin::runtime
