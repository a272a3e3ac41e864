// SPDX-License-Identifier: Apache-2.0
#include "tests/history/history.hpp"

#include "tests/history/answered_positions.hpp"
#include "tests/history/order_search.hpp"

#include <algorithm>
#include <unordered_set>

namespace dunlin::history {

namespace {

constexpr std::size_t keys_shown_max = 5;
constexpr std::size_t entries_shown_max = 16;

const char* name(action what) {
    switch (what) {
        case action::add: return "add";
        case action::append: return "append";
        case action::erase: return "erase";
        case action::read: break;
    }
    return "read";
}

// A history that cannot have been taken down rightly proves nothing.
verdict check_form(std::span<const operation> all) {
    std::unordered_set<std::uint64_t> ids;
    for (const auto& each : all) {
        if (!ids.insert(each.id).second)
            return {judgement::not_linearizable,
                    "operation " + std::to_string(each.id) + " was answered twice",
                    {each},
                    0};
        if (each.answered() && each.ended_ns < each.called_ns)
            return {judgement::not_linearizable,
                    "operation " + std::to_string(each.id) + " ended before it was called",
                    {each},
                    0};
    }
    return {};
}

}  // namespace

std::string describe(const operation& which) {
    auto text = std::to_string(which.id) + " " + name(which.what) + " at " +
                std::to_string(which.called_ns);
    switch (which.how) {
        case ending::unknown: return text + ": no answer, it may have happened";
        case ending::not_run: return text + ": did not happen";
        case ending::answered: break;
    }
    text += " to " + std::to_string(which.ended_ns) + ":";
    if (which.count) text += " " + std::to_string(*which.count);
    if (which.entries) {
        const auto shown = std::min(which.entries->size(), entries_shown_max);
        text += which.entries->size() > shown ? " [... " : " [";
        for (auto i = which.entries->size() - shown; i < which.entries->size(); ++i)
            text += (i + shown == which.entries->size() ? "" : " ") +
                    std::to_string((*which.entries)[i]);
        text += "]";
    }
    return text;
}

verdict judge(std::span<const operation> of_one_key) {
    if (auto form = check_form(of_one_key); !form.good()) return form;
    return tells_positions(of_one_key) ? by_answered_positions(of_one_key) : by_search(of_one_key);
}

findings keyed_history::judge(std::size_t bad_max) const {
    findings all;
    for (const auto& [key, operations] : keys_) {
        if (all.bad.size() >= bad_max) break;
        ++all.keys;
        for (const auto& each : operations) {
            switch (each.how) {
                case ending::answered: ++all.answered; break;
                case ending::not_run: ++all.not_run; break;
                case ending::unknown: ++all.unknown; break;
            }
        }
        auto found = history::judge(operations);
        all.steps += found.steps;
        if (!found.good()) all.bad.push_back({key, std::move(found)});
    }
    return all;
}

std::string findings::text() const {
    std::string all;
    for (std::size_t i = 0; i < bad.size() && i < keys_shown_max; ++i) {
        const auto& [key, found] = bad[i];
        all += "key " + key +
               (found.what == judgement::undecided ? " is undecided: " : " is not linearizable: ") +
               found.why + "\n";
        for (const auto& each : found.window) all += "    " + describe(each) + "\n";
    }
    if (bad.size() > keys_shown_max)
        all += "and " + std::to_string(bad.size() - keys_shown_max) + " other keys\n";
    return all;
}

}  // namespace dunlin::history
