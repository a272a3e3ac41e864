// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/member_contacts.hpp"

#include "runtime/program/any_value.hpp"

#include <algorithm>
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

member_contacts::member_contacts(client entry, std::chrono::milliseconds patience, key_files keys)
    : patience_(patience),
      keys_(std::move(keys)),
      lists_members_(std::make_shared<client>(std::move(entry))) {}

result<std::vector<member>> member_contacts::refresh() {
    auto members = members_from(*lists_members_, patience_);
    if (!members) {
        for (auto& [instance, each] : all_) {
            if (!each.way || each.way == lists_members_) continue;
            auto others = members_from(*each.way, patience_);
            if (!others) continue;
            lists_members_ = each.way;
            members = std::move(others);
            break;
        }
    }
    if (members) meet(*members);
    return members;
}

void member_contacts::only_entry() {
    all_.clear();
    all_.emplace(0, contact{lists_members_->node(), {}, lists_members_});
}

void member_contacts::meet(const std::vector<member>& members) {
    std::map<std::uint64_t, contact> wanted;
    for (const auto& one : members) {
        if (!one.living() || wanted.size() == nodes_asked_max) continue;
        const auto known = all_.find(one.instance);
        if (known != all_.end())
            wanted.insert(std::move(*known));
        else
            wanted.emplace(one.instance, contact{one.name, one.endpoints});
    }
    all_ = std::move(wanted);
}

result<bytes> member_contacts::call(contact& whom, const std::string& function,
                                    const bytes& input) const {
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
    auto reply = input.empty() ? whom.way->invoke<any_value>(function, nullptr, how)
                               : whom.way->invoke<any_value>(function, any_value{input}, how);
    if (!reply) return std::move(reply.error());
    return std::move(reply->encoded);
}

}  // namespace dunlin::program
