// SPDX-License-Identifier: Apache-2.0
//
// What is kept of a visitor and of a page, and how views are folded into it.
//
// Each view has a name: the log that it is from, and where in it its line begins. What is kept says
// how far each log has been folded, so a view that comes again is not folded again. That needs the
// views of one key in the order of their log, which is what `key_feed` sends them in. Plain data
// and functions, which know nothing of nodes or stores.
#pragma once

#include <dunlin/fields.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sessions {

struct view {
    std::uint64_t offset = 0;  // of its line, in the log
    std::int64_t seconds = 0;  // since 1970
    std::uint64_t bytes = 0;   // of the answer
    DUNLIN_FIELDS(offset, seconds, bytes)
};

/// Views of one key, in the order of their log.
struct views {
    std::string_view key;
    std::string_view log;
    std::int64_t gap_seconds = 1800;  // without a view: the session is over
    std::vector<view> seen;
    DUNLIN_FIELDS(key, log, gap_seconds, seen)
    DUNLIN_REQUIRED(key, log, seen)
};

/// Up to where each log has been folded.
using folded_logs = std::map<std::string, std::uint64_t, std::less<>>;

struct visitor {
    std::uint64_t sessions = 0;
    std::uint64_t views = 0;
    std::uint64_t bytes = 0;
    std::uint64_t longest_views = 0;  // in one session
    std::uint64_t session_views = 0;  // in the one that goes on
    std::int64_t last_seconds = 0;    // when it was seen last
    folded_logs folded;
    DUNLIN_FIELDS(sessions, views, bytes, longest_views, session_views, last_seconds, folded)
};

struct page {
    std::uint64_t views = 0;
    std::uint64_t bytes = 0;
    folded_logs folded;
    DUNLIN_FIELDS(views, bytes, folded)
};

/// What a key has come to, and how many of the views that were sent had not been folded before.
struct totals {
    std::uint64_t views = 0;
    std::uint64_t bytes = 0;
    std::uint64_t sessions = 0;
    std::uint64_t added = 0;
    DUNLIN_FIELDS(views, bytes, sessions, added)
};

[[nodiscard]] totals fold_visitor(const views& news, visitor& kept);
[[nodiscard]] totals fold_page(const views& news, page& kept);

}  // namespace sessions
