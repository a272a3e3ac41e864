// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/record_poll.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::program {
namespace {

bytes packed(const json& question) {
    const auto encoded = json::to_msgpack(question);
    return bytes(bytes_view(reinterpret_cast<const std::byte*>(encoded.data()), encoded.size()));
}

std::vector<std::uint32_t> counts_in(const json& function) {
    std::vector<std::uint32_t> counts;
    if (const auto list = function.find("counts"); list != function.end() && list->is_array())
        for (const auto& each : *list)
            counts.push_back(each.is_number_unsigned() ? each.get<std::uint32_t>() : 0);
    return counts;
}

bool flag_in(const json& object, const char* key) {
    const auto value = object.find(key);
    return value != object.end() && value->is_boolean() && value->get<bool>();
}

}  // namespace

record_poll::record_poll(client entry, std::chrono::milliseconds patience, const key_files& keys,
                         std::vector<std::string> functions, std::size_t periods)
    : contacts_(std::move(entry), patience, keys),
      functions_(std::move(functions)),
      periods_(periods) {}

std::size_t record_poll::passed() const noexcept {
    return began_ ? static_cast<std::size_t>((clock::now() - *began_) / period) : 0;
}

bool record_poll::complete() const noexcept {
    return std::all_of(recording_.begin(), recording_.end(), [&](const auto& each) {
        const bool gone = silent_.contains(each.first) || !contacts_.all().contains(each.first);
        return each.second.complete || gone;
    });
}

std::vector<std::string> record_poll::take_problems() { return std::exchange(problems_, {}); }

result<json> record_poll::ask(member_contacts::contact& whom, const json& question) const {
    auto reply = contacts_.call(whom, "dunlin/record", packed(question));
    if (!reply) return std::move(reply.error());
    auto answer = read_value(*reply);
    if (!answer.is_object() || !answer.contains("recording"))
        return {errc::internal,
                "the answer is no map with a recording; it may speak a newer "
                "version"};
    // Somebody else listens there now.
    if (const auto node = text_in(answer, "node"); node != whom.name) {
        whom.way.reset();
        return {errc::unavailable, "node " + node + " answers in place of " + whom.name};
    }
    return answer;
}

// Null: nothing.
json record_poll::question_for(std::uint64_t instance, bool stop, std::size_t now) const {
    if (unable_.contains(instance)) return nullptr;
    if (const auto at = recording_.find(instance); at != recording_.end()) {
        const auto& of = at->second;
        if (of.complete && !stop) return nullptr;
        return {{"recording", of.id}, {"from", of.read_to}, {"stop", stop}};
    }
    if (stop || now >= periods_) return nullptr;
    return {{"functions", functions_}, {"periods", periods_ - now}};
}

result<void> record_poll::round() {
    const auto members = contacts_.refresh();
    if (members) {
        for (const auto& each : *members) versions_[each.instance] = each.version;
    } else if (members.error().code == errc::permission_denied) {
        contacts_.only_entry();  // it may not list the others, and can ask this one all the same
    } else if (recording_.empty()) {
        return members.error();
    }
    if (!began_) began_ = clock::now();
    ask_each(false);
    return {};
}

void record_poll::finish() { ask_each(true); }

// What a node records begins when it is asked, not when the slowest of them has answered.
void record_poll::ask_each(bool stop) {
    const auto now = passed();
    auto answers = contacts_.ask_all(
        [&](std::uint64_t instance, member_contacts::contact& whom) -> result<json> {
            const auto question = question_for(instance, stop, now);
            return question.is_null() ? result<json>(json(nullptr)) : ask(whom, question);
        });
    for (const auto& [instance, answer] : answers)
        note(instance, contacts_.all().at(instance).name, answer, now);
}

void record_poll::note(std::uint64_t instance, const std::string& name, const result<json>& answer,
                       std::size_t asked_at) {
    const auto at = recording_.find(instance);
    if (!answer) {
        // A recording that the node has dropped begins anew in the next round.
        if (at != recording_.end() && answer.error().code == errc::invalid_argument) {
            recording_.erase(at);
            problems_.push_back("node " + name +
                                " was asked too seldom and has dropped what it had recorded since");
            return;
        }
        return complain_once(instance, name, answer.error());
    }
    if (answer->is_null()) return;
    silent_.erase(instance);
    if (at == recording_.end())
        note_begun(instance, name, *answer, asked_at);
    else
        note_read(at->second, *answer);
}

void record_poll::complain_once(std::uint64_t instance, const std::string& name, const error& why) {
    if (why.code == errc::not_found) {
        const auto version = versions_.find(instance);
        unable_.insert(instance);
        problems_.push_back(
            "node " + name +
            (version == versions_.end() ? std::string() : " (version " + version->second + ")") +
            " is older than this program and cannot record; its calls are missing");
        return;
    }
    if (why.code == errc::permission_denied) unable_.insert(instance);
    if (silent_.insert(instance).second)
        problems_.push_back("node " + name + ": " + to_string(why));
}

void record_poll::note_begun(std::uint64_t instance, const std::string& name, const json& answer,
                             std::size_t asked_at) {
    recording made;
    made.id = count_in(answer, "recording");
    made.offset = asked_at;
    recording_.insert_or_assign(instance, std::move(made));
    if (const auto served = answer.find("functions"); served != answer.end() && served->is_array())
        for (const auto& each : *served)
            if (each.is_string()) load_.know(each.get<std::string>());
    if (const auto left = count_in(answer, "left_out"); left != 0)
        problems_.push_back("node " + name + " serves " + std::to_string(left) +
                            " functions more than it can record; name those that matter");
}

void record_poll::note_read(recording& of, const json& answer) {
    const auto first = static_cast<std::size_t>(count_in(answer, "from"));
    of.periods = static_cast<std::size_t>(count_in(answer, "periods"));
    of.complete = flag_in(answer, "complete");
    const auto list = answer.find("functions");
    if (list == answer.end() || !list->is_array()) return;
    for (const auto& each : *list) {
        if (!each.is_object()) continue;
        const auto name = text_in(each, "name");
        const auto counts = counts_in(each);
        if (first + counts.size() > periods_max) continue;  // no node of ours says so
        load_.add_calls(name, of.offset + first, counts);
        // Nodes tell what it is since they began, and what is new counts.
        auto& [ended, busy_ns] = of.service[name];
        const auto ended_now = std::max(count_in(each, "ended"), ended);
        const auto busy_now = std::max(number_in(each, "busy_us") * 1e3, busy_ns);
        load_.add_service(name, ended_now - ended, busy_now - busy_ns);
        ended = ended_now;
        busy_ns = busy_now;
    }
    of.read_to = of.periods;
}

}  // namespace dunlin::program
