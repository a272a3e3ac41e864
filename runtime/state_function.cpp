// SPDX-License-Identifier: Apache-2.0
#include "runtime/state_function.hpp"

#include "runtime/log.hpp"
#include "runtime/state_figures.hpp"
#include "runtime/state_task.hpp"
#include "runtime/system_answer.hpp"
#include "runtime/system_input.hpp"
#include "runtime/text/suggest.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace dunlin::runtime {
namespace {

using nlohmann::json;

constexpr std::size_t listed_max = 1000;

error refused(const std::string& why) { return {errc::invalid_argument, "dunlin/state: " + why}; }

struct question {
    std::string what;
    std::string space;
    std::string key;
    std::string prefix;
    std::string after;
    std::size_t count = 100;
    std::vector<std::byte> value;
    std::optional<std::int64_t> expires_ms;
};

std::vector<std::byte> bytes_of(const json& value) {
    const auto& raw = value.get_binary();
    const auto* from = reinterpret_cast<const std::byte*>(raw.data());
    return {from, from + raw.size()};
}

// Keys are bytes, which may be no text.
bool is_key(const json& value) { return value.is_string() || value.is_binary(); }
std::string key_of(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    return {value.get_binary().begin(), value.get_binary().end()};
}

result<question> read_question(const json& input) {
    if (!input.is_object() || !input.contains("do") || !input["do"].is_string())
        return refused("takes a map with do: spaces, list, get, set, delete or expire");
    question asked;
    for (const auto& [name, value] : input.items()) {
        if (name == "do")
            asked.what = value.get<std::string>();
        else if (name == "space" && value.is_string())
            asked.space = value.get<std::string>();
        else if (name == "key" && is_key(value))
            asked.key = key_of(value);
        else if (name == "prefix" && is_key(value))
            asked.prefix = key_of(value);
        else if (name == "after" && is_key(value))
            asked.after = key_of(value);
        else if (name == "count" && value.is_number_unsigned())
            asked.count = std::min(value.get<std::size_t>(), listed_max);
        else if (name == "value" && value.is_binary())
            asked.value = bytes_of(value);
        else if (name == "ttl_ms" && value.is_number_unsigned() &&
                 value.get<std::uint64_t>() < (std::uint64_t{1} << 52))
            asked.expires_ms = actors::unix_ms() + value.get<std::int64_t>();
        else
            return refused("does not know " + name + ", or not with such a value");
    }
    return asked;
}

json key_json(std::string_view key) { return json::binary({key.begin(), key.end()}); }

json spaces_of(const actors::hot_state& state) {
    json all = json::array();
    for (const auto& [name, space] : state.spaces()) {
        const auto* type = space->how().type;
        all.push_back(figures_of(name, *space));
        all.back()["schema"] = type == nullptr || type->schema == nullptr ? "" : type->schema;
    }
    return all;
}

json described(const seen_state& seen) {
    const auto* from = reinterpret_cast<const std::uint8_t*>(seen.value.data());
    json value = nullptr;
    if (seen.present) value = json::binary({from, from + seen.value.size()});
    return {{"present", seen.present},
            {"value", std::move(value)},
            {"version", seen.version},
            {"expires_ms", seen.expires_ms}};
}

result<json> list(actors::hot_state& state, const actors::state_space& space,
                  const question& asked) {
    if (!space.stored())
        return error{errc::invalid_argument, "space " + space.how().name +
                                                 " is ephemeral: nothing of it is stored, so "
                                                 "there is no list of its keys"};
    auto found = state.store()->list(space.how().number, asked.prefix, asked.after, asked.count);
    if (!found) return std::move(found.error());
    json keys = json::array();
    for (const auto& each : *found)
        keys.push_back({{"key", key_json(each.key)},
                        {"version", each.version},
                        {"expires_ms", each.expires_ms},
                        {"value_bytes", each.value_bytes}});
    return json{{"keys", std::move(keys)}};
}

result<json> work_on(actors::state_space& space, question& asked,
                     std::chrono::nanoseconds at_most) {
    if (asked.key.empty()) return refused(asked.what + " needs a key");
    if (space.how().type == nullptr)
        return error{errc::invalid_argument,
                     "space " + space.how().name + " has no values: its functions only take turns"};
    // A key that moves on meanwhile, or that another node writes: it is seen anew each time.
    auto what = state_change::none;
    if (asked.what == "set")
        what = state_change::set;
    else if (asked.what == "delete")
        what = state_change::erase;
    else if (asked.what == "expire")
        what = state_change::expire;
    else if (asked.what != "get")
        return refused("\"" + asked.what + "\" is none of spaces, list, get, set, delete, expire");
    constexpr int tries = 3;
    for (int left = tries;; --left) {
        auto done = state_task::run_in(
            space, asked.key, std::make_shared<state_task>(what, asked.value, asked.expires_ms),
            at_most);
        if (done) return described(*done);
        if (done.error().code != errc::conflict || left == 1) return std::move(done.error());
    }
}

/// Whether what is asked is another node's to say.
bool is_elsewhere(const question& asked, const actors::state_space* space) {
    if (space == nullptr) return true;
    if (asked.key.empty() || asked.what == "list") return false;
    // What is stored for all can be looked at from everywhere.
    return space->sharing() != nullptr ? asked.what != "get" : !space->stored();
}

json pointer_to(const cluster_member& owner) {
    return {{"ask", {{"node", owner.name}, {"endpoints", owner.endpoints}}}};
}

}  // namespace

actors::function_info state_function::info() {
    actors::function_info made;
    made.name = "dunlin/state";
    made.module_name = "dunlin";
    made.description = "Looks at the state of keyed functions on this node, and changes it";
    made.flags = DUNLIN_BLOCKING;
    made.self = this;
    made.run = &state_function::run;
    return made;
}

std::int32_t state_function::run(void* self, const dunlin_host* host, dunlin_call* call,
                                 const std::uint8_t* payload, std::size_t payload_size) {
    const auto& own = *static_cast<const state_function*>(self);
    const auto fail = [&](const error& why) { return refuse(*host, call, why.code, why.detail); };
    auto asked = read_question(read_system_input<json>(payload, payload_size));
    if (!asked) return fail(asked.error());
    if (asked->what == "spaces")
        return dunlin::runtime::answer(
            *host, call,
            {{"node", own.node_name_},
             {"store", own.state_ == nullptr || own.state_->store() == nullptr
                           ? ""
                           : own.state_->store()->describe()},
             {"spaces", own.state_ == nullptr ? json::array() : spaces_of(*own.state_)}});
    const auto* spaces = own.state_ == nullptr ? nullptr : &own.state_->spaces();
    const auto found =
        spaces == nullptr ? decltype(spaces->find(asked->space)){} : spaces->find(asked->space);
    const bool here = spaces != nullptr && found != spaces->end();
    if (own.owners_ != nullptr && is_elsewhere(*asked, here ? found->second.get() : nullptr)) {
        const auto owner = own.owners_->owner(asked->space, asked->key);
        if (owner && owner->instance != own.instance_)
            return dunlin::runtime::answer(*host, call, pointer_to(*owner));
    }
    if (!here) {
        std::vector<std::string> names;
        if (spaces != nullptr)
            for (const auto& each : *spaces) names.push_back(each.first);
        const auto hint = did_you_mean(asked->space, names);
        return fail({errc::not_found, "no space " + asked->space + " on node " + own.node_name_ +
                                          (hint.empty() ? "; `dunlin state spaces` lists those "
                                                          "there are"
                                                        : hint)});
    }
    auto& space = *found->second;
    auto done = asked->what == "list"
                    ? list(*own.state_, space, *asked)
                    : work_on(space, *asked, std::chrono::nanoseconds(host->remaining_ns(call)));
    if (!done) return fail(done.error());
    return dunlin::runtime::answer(*host, call, *done);
}

}  // namespace dunlin::runtime
