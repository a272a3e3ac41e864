// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/cluster_poll.hpp"

#include "runtime/program/any_value.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace dunlin::program {
namespace {

using clock = std::chrono::steady_clock;

result<std::vector<member>> members_from(client& node, std::chrono::milliseconds patience) {
    call_options how;
    how.timeout = patience;
    auto reply = node.invoke<any_value>("dunlin/nodes", nullptr, how);
    if (!reply) return std::move(reply.error());
    return read_members(reply->encoded);
}

}  // namespace

cluster_poll::cluster_poll(client entry, std::chrono::milliseconds patience, key_files keys)
    : patience_(patience),
      keys_(std::move(keys)),
      lists_members_(std::make_shared<client>(std::move(entry))) {}

result<std::vector<member>> cluster_poll::ask_members() {
    auto members = members_from(*lists_members_, patience_);
    if (members) return members;
    for (auto& [instance, each] : contacts_) {
        if (!each.way || each.way == lists_members_) continue;
        auto others = members_from(*each.way, patience_);
        if (!others) continue;
        lists_members_ = each.way;
        return others;
    }
    return members;
}

void cluster_poll::meet(const std::vector<member>& members) {
    std::map<std::uint64_t, contact> wanted;
    for (const auto& one : members) {
        if (!one.living() || wanted.size() == nodes_asked_max) continue;
        const auto known = contacts_.find(one.instance);
        if (known != contacts_.end())
            wanted.insert(std::move(*known));
        else
            wanted.emplace(one.instance, contact{one.name, one.endpoints});
    }
    contacts_ = std::move(wanted);
}

result<observation::answer> cluster_poll::ask(contact& whom) const {
    const auto until = clock::now() + patience_;
    if (!whom.way) {
        auto made = client::connect(one_node(whom.endpoints, patience_, keys_));
        if (!made) return std::move(made.error());
        whom.way = std::make_shared<client>(std::move(*made));
    }
    call_options how;
    how.timeout = std::max<std::chrono::microseconds>(
        std::chrono::duration_cast<std::chrono::microseconds>(until - clock::now()),
        std::chrono::milliseconds(1));
    auto reply = whom.way->invoke<any_value>("dunlin/stats", nullptr, how);
    if (!reply) return std::move(reply.error());
    auto sample = read_sample(reply->encoded);
    if (!sample) return std::move(sample.error());
    // Somebody else listens there now.
    if (sample->node != whom.name) {
        whom.way.reset();
        return {errc::unavailable, "node " + sample->node + " answers in place of " + whom.name};
    }
    const auto taken = clock::now().time_since_epoch();
    return observation::answer{std::move(*sample),
                               std::chrono::duration_cast<std::chrono::nanoseconds>(taken).count()};
}

result<observation> cluster_poll::round() {
    auto members = ask_members();
    if (!members) return std::move(members.error());
    meet(*members);
    observation seen;
    seen.members = std::move(*members);
    std::map<std::uint64_t, std::future<result<observation::answer>>> asked;
    for (auto& [instance, each] : contacts_)
        asked.emplace(instance,
                      std::async(std::launch::async, [this, &whom = each] { return ask(whom); }));
    for (auto& [instance, answer] : asked) {
        seen.asked.push_back(instance);
        auto said = answer.get();
        if (said) seen.answers.emplace(instance, std::move(*said));
    }
    return seen;
}

}  // namespace dunlin::program
