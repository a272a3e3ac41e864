// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/explain_poll.hpp"

#include "runtime/program/decision_text.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::program {
namespace {

/// Of one node for one question: as many as it tells.
constexpr std::size_t page_limit = 1024;

bool earlier(const json& a, const json& b) {
    return number_in(a, "time_us") < number_in(b, "time_us");
}

void keep_last(std::vector<json>& records, std::size_t limit) {
    if (records.size() > limit)
        records.erase(records.begin(), records.end() - static_cast<std::ptrdiff_t>(limit));
}

bytes packed(const json& question) {
    const auto encoded = json::to_msgpack(question);
    return bytes(bytes_view(reinterpret_cast<const std::byte*>(encoded.data()), encoded.size()));
}

}  // namespace

explain_poll::explain_poll(client entry, std::chrono::milliseconds patience, const key_files& keys,
                           std::string function)
    : contacts_(std::move(entry), patience, keys),
      function_(std::move(function)) {}

// Of a node that may not list them, itself alone.
result<void> explain_poll::meet() {
    auto members = contacts_.refresh();
    if (members) return {};
    if (members.error().code != errc::permission_denied) return std::move(members.error());
    contacts_.only_entry();
    return {};
}

result<json> explain_poll::ask(member_contacts::contact& whom, const json& question) const {
    auto reply = contacts_.call(whom, "dunlin/explain", packed(question));
    if (!reply) return std::move(reply.error());
    auto answer = read_value(*reply);
    if (!answer.is_object() || !answer.contains("records") || !answer["records"].is_array())
        return {errc::internal, "the answer is no map of records; it may speak a newer version"};
    // Somebody else listens there now.
    if (const auto node = text_in(answer, "node"); node != whom.name) {
        whom.way.reset();
        return {errc::unavailable, "node " + node + " answers in place of " + whom.name};
    }
    return answer;
}

template <class Question>
result<told_decisions> explain_poll::round(Question&& question, const std::string& only) {
    if (auto met = meet(); !met) return std::move(met.error());
    auto answers = contacts_.ask_all(
        [&](std::uint64_t instance, member_contacts::contact& whom) -> result<json> {
            if (!only.empty() && whom.name != only) return json(nullptr);
            return ask(whom, question(instance));
        });
    told_decisions told;
    for (auto& [instance, answer] : answers) {
        const auto& name = contacts_.all().at(instance).name;
        if (!answer) {
            if (silent_.insert(instance).second)
                told.problems.push_back("node " + name + ": " + to_string(answer.error()));
            continue;
        }
        if (answer->is_null()) continue;
        silent_.erase(instance);
        note(instance, *answer, told);
    }
    std::stable_sort(told.records.begin(), told.records.end(), earlier);
    return told;
}

void explain_poll::note(std::uint64_t instance, json& answer, told_decisions& into) {
    ++into.answers;
    const auto known = answer.find("known");
    into.known = into.known || known == answer.end() || !known->is_boolean() || known->get<bool>();
    into.kept_max = std::max(into.kept_max, count_in(answer, "kept_max"));
    const auto node = text_in(answer, "node");
    const auto read_to = read_to_.find(instance);
    const auto oldest = count_in(answer, "oldest");
    if (read_to != read_to_.end() && oldest > read_to->second + 1)
        into.problems.push_back("node " + node + ": " +
                                std::to_string(oldest - read_to->second - 1) +
                                " records were replaced by newer ones before they were read");
    read_to_[instance] = count_in(answer, "read_to");
    for (auto& each : answer["records"]) {
        if (!each.is_object()) continue;
        json record = {{"node", node},
                       {"time", utc_text(static_cast<std::int64_t>(number_in(each, "time_us")))}};
        record.update(each);
        into.records.push_back(std::move(record));
    }
}

result<told_decisions> explain_poll::newest(std::size_t limit) {
    auto told = round([&](std::uint64_t) {
        return json{{"function", function_}, {"limit", std::min(limit, page_limit)}};
    });
    if (told) keep_last(told->records, limit);
    return told;
}

result<told_decisions> explain_poll::numbered(std::uint64_t number, const std::string& node) {
    auto told = round(
        [&](std::uint64_t) {
            return json{{"after", number - 1}, {"limit", 1}};
        },
        node);
    if (told)
        std::erase_if(told->records,
                      [&](const json& each) { return count_in(each, "number") != number; });
    return told;
}

result<told_decisions> explain_poll::next(std::size_t limit) {
    auto told = round([&](std::uint64_t instance) {
        json question = {{"function", function_}, {"settled", true}, {"limit", page_limit}};
        if (const auto from = read_to_.find(instance); from != read_to_.end())
            question["after"] = from->second;
        else if (told_)  // a node that has come since: all that it has decided
            question["after"] = 0;
        return question;
    });
    if (!told) return told;
    if (told->answers > 0 && !std::exchange(told_, true)) keep_last(told->records, limit);
    return told;
}

std::vector<std::string> explain_poll::functions() {
    auto answers = contacts_.ask_all([this](std::uint64_t, member_contacts::contact& whom) {
        return contacts_.call(whom, "dunlin/functions");
    });
    std::set<std::string> names;
    for (auto& [instance, answer] : answers) {
        if (!answer) continue;
        const auto listed = read_objects(*answer, "list of functions");
        if (!listed) continue;
        for (const auto& each : *listed) names.insert(text_in(each, "name"));
    }
    return {names.begin(), names.end()};
}

}  // namespace dunlin::program
