// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/state_questions.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace dunlin::program {
namespace {

using nlohmann::json;

json binary(std::string_view data) { return json::binary({data.begin(), data.end()}); }

std::string text_of(const json& from, const char* name) {
    const auto found = from.find(name);
    if (found == from.end()) return {};
    if (found->is_string()) return found->get<std::string>();
    if (found->is_binary()) return {found->get_binary().begin(), found->get_binary().end()};
    return {};
}

template <class Number>
Number number_of(const json& from, const char* name) {
    const auto found = from.find(name);
    return found != from.end() && found->is_number() ? found->get<Number>() : Number{};
}

const json& list_of(const json& from, const char* name) {
    static const json none = json::array();
    const auto found = from.find(name);
    return found != from.end() && found->is_array() ? *found : none;
}

result<json> ask_node(client& to, const json& question) {
    const auto packed = json::to_msgpack(question);
    const any_value input{
        bytes(bytes_view(reinterpret_cast<const std::byte*>(packed.data()), packed.size()))};
    auto reply = to.invoke<any_value>("dunlin/state", input);
    if (!reply) return std::move(reply.error());
    const auto view = reply->encoded.view();
    const auto* from = reinterpret_cast<const std::uint8_t*>(view.data());
    auto read = json::from_msgpack(from, from + view.size(), true, false);
    if (!read.is_object()) return error{errc::internal, "the node's answer is no map"};
    return read;
}

result<state_value> value_of(result<json> answer) {
    if (!answer) return std::move(answer.error());
    state_value read;
    const auto encoded = text_of(*answer, "value");
    const auto present = answer->find("present");
    read.present = present != answer->end() && present->is_boolean() && present->get<bool>();
    read.encoded = bytes(as_bytes(encoded));
    read.version = number_of<std::uint64_t>(*answer, "version");
    read.expires_ms = number_of<std::int64_t>(*answer, "expires_ms");
    return read;
}

}  // namespace

result<json> state_questions::ask(const json& question) {
    auto* to = &client_;
    for (int hop = 0;; ++hop) {
        auto answer = ask_node(*to, question);
        if (!answer) return answer;
        const auto other = answer->find("ask");
        if (other == answer->end() || !other->is_object()) return answer;
        const auto name = text_of(*other, "node");
        if (hop == hops_max)
            return error{errc::unavailable,
                         "nodes do not agree yet on who owns the key; the last one said " + name +
                             "; try again"};
        auto known = others_.find(name);
        if (known == others_.end()) {
            std::vector<std::string> endpoints;
            for (const auto& each : list_of(*other, "endpoints"))
                if (each.is_string()) endpoints.push_back(each.get<std::string>());
            auto made = dial_(std::move(endpoints));
            if (!made) return std::move(made.error());
            known = others_.emplace(name, std::move(*made)).first;
        }
        to = &known->second;
    }
}

result<std::vector<key_row>> state_questions::list(std::string_view prefix, std::string_view after,
                                                   std::size_t count) {
    auto answer = ask({{"do", "list"},
                       {"space", space_},
                       {"prefix", binary(prefix)},
                       {"after", binary(after)},
                       {"count", count}});
    if (!answer) return std::move(answer.error());
    std::vector<key_row> keys;
    for (const auto& each : list_of(*answer, "keys"))
        if (each.is_object())
            keys.push_back({text_of(each, "key"), number_of<std::uint64_t>(each, "version"),
                            number_of<std::int64_t>(each, "expires_ms"),
                            number_of<std::uint64_t>(each, "value_bytes")});
    return keys;
}

result<state_value> state_questions::get(std::string_view key) {
    return value_of(ask({{"do", "get"}, {"space", space_}, {"key", binary(key)}}));
}

result<state_value> state_questions::set(std::string_view key, bytes_view value,
                                         std::optional<std::chrono::milliseconds> ttl) {
    json question{
        {"do", "set"}, {"space", space_}, {"key", binary(key)}, {"value", binary(as_text(value))}};
    if (ttl) question["ttl_ms"] = static_cast<std::uint64_t>(ttl->count());
    return value_of(ask(question));
}

result<state_value> state_questions::erase(std::string_view key) {
    return value_of(ask({{"do", "delete"}, {"space", space_}, {"key", binary(key)}}));
}

result<state_value> state_questions::expire(std::string_view key,
                                            std::optional<std::chrono::milliseconds> ttl) {
    json question{{"do", "expire"}, {"space", space_}, {"key", binary(key)}};
    if (ttl) question["ttl_ms"] = static_cast<std::uint64_t>(ttl->count());
    return value_of(ask(question));
}

}  // namespace dunlin::program
