// SPDX-License-Identifier: Apache-2.0
//
// What a lane tells the membership, without one.
#pragma once

#include "tests/unit/runtime/lane/lane_parts.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::runtime {

/// A membership that keeps what it is told.
struct told_membership final : membership_driver {
    std::int64_t advance(std::int64_t now_ns) override {
        said.push_back("time");
        return now_ns + 7;
    }
    void seeds(std::vector<std::string> endpoints) override {
        for (auto& each : endpoints) said.push_back("seed " + each);
    }
    [[nodiscard]] result<void> admit(const wire::hello&) const override { return {}; }
    void ask_to_drain() override { said.emplace_back("may it drain"); }
    void drain() override { said.emplace_back("drain"); }
    void leave() override { said.emplace_back("leave"); }
    void answered(const std::string&, std::uint64_t) override {}
    void round_trip(const peer_link&, std::int64_t) override {}
    [[nodiscard]] bool link_up(const peer_link&, std::string_view) override { return true; }
    void link_lost(const peer_link&) override {}
    void link_failed(const peer_link&, const std::string&, bool) override {}
    void heard(std::uint64_t from, bytes_view message) override {
        said.push_back("from " + std::to_string(from) + " " + std::string(as_text(message)));
    }
    lines said;
};

}  // namespace dunlin::runtime
