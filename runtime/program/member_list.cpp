// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/member_list.hpp"

#include "runtime/program/lenient_json.hpp"
#include "runtime/text/suggest.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace dunlin::program {
namespace {

constexpr std::size_t names_listed_max = 16;

member read_member(const json& from) {
    member one;
    one.name = text_in(from, "name");
    one.state = text_in(from, "state");
    one.instance = count_in(from, "instance");
    one.incarnation = count_in(from, "incarnation");
    one.busy = number_in(from, "busy");
    one.version = text_in(from, "version");
    one.round_trip_us = static_cast<std::int64_t>(number_in(from, "rtt_us"));
    if (const auto list = from.find("endpoints"); list != from.end() && list->is_array())
        for (const auto& each : *list)
            if (each.is_string()) one.endpoints.push_back(each.get<std::string>());
    const auto self = from.find("self");
    one.asked = self != from.end() && self->is_boolean() && self->get<bool>();
    return one;
}

}  // namespace

result<std::vector<member>> read_members(bytes_view payload) {
    auto list = read_objects(payload, "list of members");
    if (!list) return std::move(list.error());
    std::vector<member> all;
    for (const auto& each : *list) all.push_back(read_member(each));
    std::sort(all.begin(), all.end(), [](const member& a, const member& b) {
        return std::tie(a.name, a.instance) < std::tie(b.name, b.instance);
    });
    return all;
}

const member* find_member(const std::vector<member>& all, std::string_view name) {
    const member* found = nullptr;
    for (const auto& each : all)
        if (each.name == name && (found == nullptr || each.living() || !found->living()))
            found = &each;
    return found;
}

std::string no_such_member(const std::vector<member>& all, std::string_view name) {
    std::vector<std::string> names;
    for (const auto& each : all)
        if (each.living()) names.push_back(each.name);
    std::string list;
    for (std::size_t i = 0; i < names.size() && i < names_listed_max; ++i)
        list += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > names_listed_max)
        list += " and " + std::to_string(names.size() - names_listed_max) + " more";
    const auto* gone = find_member(all, name);
    if (gone != nullptr && !gone->living())
        return "the node " + gone->name + (gone->state == "left" ? " has left" : " is dead") +
               "; the members are " + list;
    const auto hint = runtime::did_you_mean(name, names);
    return "no node '" + std::string(name) + "'" + hint +
           (hint.empty() ? "; the members are " : " The members are ") + list;
}

}  // namespace dunlin::program
