// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/drain_watch.hpp"

#include "runtime/program/any_value.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::program {
namespace {

constexpr std::chrono::milliseconds patience{1000};

}  // namespace

leaving state_of_leaving(const std::vector<member>& members, std::uint64_t instance) {
    const auto found = std::find_if(members.begin(), members.end(), [instance](const member& one) {
        return one.instance == instance;
    });
    // Those that left are forgotten after a while.
    if (found == members.end() || found->state == "left") return leaving::left;
    return found->state == "dead" ? leaving::died : leaving::still_there;
}

drain_watch::drain_watch(const std::vector<member>& members, const member& drained, key_files keys)
    : drained_(drained),
      keys_(std::move(keys)) {
    for (const auto& one : members)
        if (one.living() && one.instance != drained.instance) witnesses_.push_back({one.endpoints});
}

result<std::vector<member>> drain_watch::ask_witness() {
    auto& first = witnesses_.front();
    if (!first.way) {
        auto made = client::connect(one_node(first.endpoints, patience, keys_));
        if (!made) return std::move(made.error());
        first.way = std::make_unique<client>(std::move(*made));
    }
    auto reply = first.way->invoke<any_value>("dunlin/nodes", nullptr);
    if (!reply) return std::move(reply.error());
    return read_members(reply->encoded);
}

leaving drain_watch::look_at_itself() const {
    // Connections made before may wait for it to come back; a new one is refused at once.
    const auto made = client::connect(one_node(drained_.endpoints, patience, keys_));
    if (made) return leaving::still_there;
    // One that refuses keys is there, and of key files that cannot be read nothing follows.
    return made.error().code == errc::unavailable ? leaving::left : leaving::still_there;
}

leaving drain_watch::look() {
    if (witnesses_.empty()) return look_at_itself();
    const auto members = ask_witness();
    if (members) {
        silent_ = 0;
        return state_of_leaving(*members, drained_.instance);
    }
    // It may be what has ended, or come back later: it is asked again after the others.
    witnesses_.front().way.reset();
    std::rotate(witnesses_.begin(), witnesses_.begin() + 1, witnesses_.end());
    if (++silent_ < witnesses_.size()) return leaving::still_there;
    return look_at_itself();
}

}  // namespace dunlin::program
