// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/ask_members.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace dunlin::program {
namespace {

result<bytes> ask(client& way, const member_question& what, std::chrono::milliseconds patience) {
    call_options how;
    how.timeout = patience;
    auto reply = what.input.encoded.empty() ? way.invoke<any_value>(what.function, nullptr, how)
                                            : way.invoke<any_value>(what.function, what.input, how);
    if (!reply) return std::move(reply.error());
    return std::move(reply->encoded);
}

result<bytes> connect_and_ask(const member& whom, const member_question& what,
                              std::chrono::milliseconds patience, const key_files& keys) {
    auto way = client::connect(one_node(whom.endpoints, patience, keys));
    if (!way) return std::move(way.error());
    // An address can have been given to another node since.
    if (way->node() != whom.name)
        return {errc::unavailable, "node " + way->node() + " answers in place of " + whom.name};
    return ask(*way, what, patience);
}

}  // namespace

member alone(client& entry) {
    member made;
    made.name = entry.node();
    made.state = "alive";
    made.asked = true;
    return made;
}

std::vector<member> members_or_alone(client& entry) {
    const auto reply = entry.invoke<any_value>("dunlin/nodes", nullptr);
    if (reply) {
        auto members = read_members(reply->encoded);
        if (members && std::any_of(members->begin(), members->end(),
                                   [](const member& each) { return each.living(); }))
            return std::move(*members);
    }
    return {alone(entry)};
}

std::vector<member_answer> ask_members(client& entry, const std::vector<member>& members,
                                       const member_question& question,
                                       std::chrono::milliseconds patience, const key_files& keys) {
    std::vector<std::pair<std::string, std::future<result<bytes>>>> asked;
    for (const auto& whom : members) {
        if (!whom.living() || asked.size() == members_asked_max) continue;
        asked.emplace_back(whom.name, std::async(std::launch::async, [&] {
                               return whom.asked ? ask(entry, question, patience)
                                                 : connect_and_ask(whom, question, patience, keys);
                           }));
    }
    std::vector<member_answer> answers;
    for (auto& [name, answer] : asked) answers.push_back({name, answer.get()});
    return answers;
}

}  // namespace dunlin::program
