// SPDX-License-Identifier: Apache-2.0
#include "cluster/rendezvous.hpp"

#include <algorithm>
#include <numeric>

namespace dunlin::cluster {

namespace {

/// A partition that asks a member; ordered by how much the member wants it.
struct bid {
    std::uint64_t weight;
    std::uint32_t partition;
    [[nodiscard]] bool operator>(const bid& other) const noexcept {
        // Equal weights of one member are a bijection's impossibility; the number settles it
        // anyway.
        return weight != other.weight ? weight > other.weight : partition < other.partition;
    }
};

class assignment {
public:
    // In the order of names, so that equal weights of two members are settled by name.
    assignment(std::vector<std::uint64_t> hashes, std::size_t load_max)
        : hashes_(std::move(hashes)),
          held_(hashes_.size()),
          load_max_(load_max) {}

    void place(std::uint32_t partition) {
        auto member = best(partition);
        auto weight = rendezvous_weight(hashes_[member], partition);
        for (;;) {
            auto& held = held_[member];
            held.push_back({weight, partition});
            if (held.size() < load_max_) return;
            // The heap's front is what the member wants least; kept in order only once it is full.
            if (held.size() == load_max_) {
                std::make_heap(held.begin(), held.end(), std::greater<>{});
                return;
            }
            std::push_heap(held.begin(), held.end(), std::greater<>{});
            std::pop_heap(held.begin(), held.end(), std::greater<>{});
            const auto refused = held.back();
            held.pop_back();
            partition = refused.partition;
            member = next(partition, member, refused.weight);
            weight = rendezvous_weight(hashes_[member], partition);
        }
    }

    [[nodiscard]] const std::vector<std::vector<bid>>& held() const noexcept { return held_; }

private:
    [[nodiscard]] std::size_t best(std::uint32_t partition) const noexcept {
        std::size_t found = 0;
        std::uint64_t highest = 0;
        for (std::size_t i = 0; i < hashes_.size(); ++i) {
            const auto weight = rendezvous_weight(hashes_[i], partition);
            if (weight > highest) {
                highest = weight;
                found = i;
            }
        }
        return found;
    }
    /// The member that comes after `refuser` in the partition's order. There is one, since all
    /// members together have room for all partitions.
    [[nodiscard]] std::size_t next(std::uint32_t partition, std::size_t refuser,
                                   std::uint64_t below) const noexcept {
        std::size_t found = refuser;
        std::uint64_t highest = 0;
        for (std::size_t i = 0; i < hashes_.size(); ++i) {
            const auto weight = rendezvous_weight(hashes_[i], partition);
            const bool later = weight < below || (weight == below && i > refuser);
            if (later && (weight > highest || found == refuser)) {
                highest = weight;
                found = i;
            }
        }
        return found;
    }

    std::vector<std::uint64_t> hashes_;
    std::vector<std::vector<bid>> held_;
    std::size_t load_max_;
};

}  // namespace

partition_map::partition_map(std::span<const std::string_view> names, std::uint32_t bound_percent) {
    owners_.fill(none);
    std::vector<std::uint32_t> order(names.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(),
                     [&](auto left, auto right) { return names[left] < names[right]; });
    order.erase(std::unique(order.begin(), order.end(),
                            [&](auto left, auto right) { return names[left] == names[right]; }),
                order.end());
    if (order.empty()) return;

    std::vector<std::uint64_t> hashes;
    hashes.reserve(order.size());
    for (const auto index : order) hashes.push_back(name_hash(names[index]));
    assignment made(std::move(hashes), load_max(order.size(), std::max(bound_percent, 100U)));
    for (std::uint32_t partition = 0; partition < partition_count; ++partition) {
        made.place(partition);
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
        for (const auto& each : made.held()[i]) owners_[each.partition] = order[i];
    }
}

}  // namespace dunlin::cluster
