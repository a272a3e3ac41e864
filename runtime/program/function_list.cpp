// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/function_list.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace dunlin::program {
namespace {

constexpr std::array counts{"activations", "busy",    "queue_depth",         "queue_depth_max",
                            "invocations", "refused", "activations_started", "activations_retired",
                            "cold_calls"};
constexpr std::array times{"service_time_us", "start_time_us"};

void add_up(json& to, const json& from) {
    for (const auto* key : counts)
        if (to.contains(key) && from.contains(key))
            to[key] = count_in(to, key) + count_in(from, key);
    for (const auto* key : times)
        if (to.contains(key)) to[key] = std::max(number_in(to, key), number_in(from, key));
}

}  // namespace

result<void> function_list::add(const std::string& node, bytes_view answer) {
    auto list = read_objects(answer, "list of functions");
    if (!list) return std::move(list.error());
    nodes_.push_back(node);
    for (auto& each : *list) {
        const auto name = text_in(each, "name");
        const auto at =
            std::lower_bound(all_.begin(), all_.end(), name,
                             [](const listed_function& known, const std::string& wanted) {
                                 return text_in(known.about, "name") < wanted;
                             });
        if (at != all_.end() && text_in(at->about, "name") == name) {
            add_up(at->about, each);
            at->nodes.push_back(node);
        } else {
            all_.insert(at, listed_function{std::move(each), {node}});
        }
    }
    return {};
}

const listed_function* function_list::find(std::string_view name) const {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const listed_function& each) {
        return text_in(each.about, "name") == name;
    });
    return found == all_.end() ? nullptr : &*found;
}

}  // namespace dunlin::program
