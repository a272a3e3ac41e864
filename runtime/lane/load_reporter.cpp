// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/load_reporter.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace dunlin::runtime {

namespace {

/// Functions whose load one frame tells.
constexpr std::size_t loads_per_frame_max = 16;

}  // namespace

void load_reporter::use_catalog(std::vector<actors::pool*> pools) {
    catalog_ = std::move(pools);
    for (std::uint32_t place = 0; place < catalog_.size(); ++place)
        places_.emplace(catalog_[place], place);
}

void load_reporter::note(peer& to, const actors::pool* pool) {
    if (!to.wants_cluster || pool == nullptr || alone_) return;
    const auto found = places_.find(pool);
    if (found == places_.end() || to.place_told(found->second) == peer::not_told) return;
    auto& due = to.loads_due;
    // Answers of one function mostly follow each other.
    if (!due.empty() && due.back() == found->second) return;
    if (due.size() < loads_per_frame_max &&
        std::find(due.begin(), due.end(), found->second) == due.end())
        due.push_back(found->second);
}

void load_reporter::tell(peer& to) {
    std::array<wire::load_item, loads_per_frame_max> loads;
    std::size_t count = 0;
    for (const auto place : to.loads_due) loads[count++] = load_at(place, to);
    to.loads_due.clear();
    wire::append(to.out, std::span<const wire::load_item>(loads.data(), count));
}

void load_reporter::tell_one(peer& to, const actors::pool* pool, wire::frame_buffer& in) {
    const auto found = places_.find(pool);
    if (found == places_.end() || std::erase(to.loads_due, found->second) == 0) return;
    const auto load = load_at(found->second, to);
    wire::append(in, std::span<const wire::load_item>(&load, 1));
}

wire::load_item load_reporter::load_at(std::uint32_t place, const peer& to) const {
    const auto wait = catalog_[place]->wait(now_ns_);
    return {to.place_told(place),
            static_cast<std::uint64_t>(wait.wait_ns),
            static_cast<std::uint64_t>(wait.step_ns),
            wait.idle,
            static_cast<std::uint32_t>(wait.busy * 1000.0F),
            wait.in_flight,
            wait.room};
}

}  // namespace dunlin::runtime
