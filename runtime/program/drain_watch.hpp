// SPDX-License-Identifier: Apache-2.0
//
// Follows a node that drains until it has left, by what the others say of it.
//
// The members that were listed are asked, one until it does not answer, then the next. When there
// is no other node, or none answers because all have left, a node counts as gone once it refuses
// connections. One thread.
#pragma once

#include "runtime/program/connection.hpp"
#include "runtime/program/member_list.hpp"

#include <dunlin/client.hpp>
#include <dunlin/result.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::program {

enum class leaving { still_there, left, died };

class drain_watch {
public:
    /// `members` as they were before.
    drain_watch(const std::vector<member>& members, const member& drained, key_files keys);

    /// Asks once.
    [[nodiscard]] leaving look();

private:
    struct witness {
        std::vector<std::string> endpoints;
        std::unique_ptr<client> way = {};
    };
    [[nodiscard]] result<std::vector<member>> ask_witness();
    [[nodiscard]] leaving look_at_itself() const;

    std::vector<witness> witnesses_;  // the first is asked
    std::size_t silent_ = 0;          // of them, one after another
    member drained_;
    key_files keys_;
};

/// What a list of members says of one that was told to drain.
[[nodiscard]] leaving state_of_leaving(const std::vector<member>& members, std::uint64_t instance);

}  // namespace dunlin::program
