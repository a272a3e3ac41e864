// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/cluster_poll.hpp"

#include <cstdint>
#include <utility>

namespace dunlin::program {

result<observation::answer> cluster_poll::ask(member_contacts::contact& whom) const {
    auto reply = contacts_.call(whom, "dunlin/stats");
    if (!reply) return std::move(reply.error());
    auto sample = read_sample(*reply);
    if (!sample) return std::move(sample.error());
    // Somebody else listens there now.
    if (sample->node != whom.name) {
        whom.way.reset();
        return {errc::unavailable, "node " + sample->node + " answers in place of " + whom.name};
    }
    const auto taken = std::chrono::steady_clock::now().time_since_epoch();
    return observation::answer{std::move(*sample),
                               std::chrono::duration_cast<std::chrono::nanoseconds>(taken).count()};
}

result<observation> cluster_poll::round() {
    auto members = contacts_.refresh();
    if (!members) return std::move(members.error());
    observation seen;
    seen.members = std::move(*members);
    auto answers = contacts_.ask_all(
        [this](std::uint64_t, member_contacts::contact& whom) { return ask(whom); });
    for (auto& [instance, said] : answers) {
        seen.asked.push_back(instance);
        if (said) seen.answers.emplace(instance, std::move(*said));
    }
    return seen;
}

}  // namespace dunlin::program
