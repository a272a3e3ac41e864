// SPDX-License-Identifier: Apache-2.0
#include "folding.hpp"

#include <algorithm>

namespace sessions {

namespace {

/// `take` gets those that are new. @returns how many.
template <class Take>
std::uint64_t fold(const views& news, folded_logs& folded, Take take) {
    std::uint64_t added = 0;
    const auto at = folded.try_emplace(std::string(news.log), 0).first;
    for (const view& each : news.seen) {
        if (each.offset < at->second) continue;
        take(each);
        at->second = each.offset + 1;
        ++added;
    }
    return added;
}

}  // namespace

totals fold_visitor(const views& news, visitor& kept) {
    const auto added = fold(news, kept.folded, [&](const view& each) {
        if (kept.views == 0 || each.seconds > kept.last_seconds + news.gap_seconds) {
            ++kept.sessions;
            kept.session_views = 0;
        }
        ++kept.views;
        kept.bytes += each.bytes;
        kept.longest_views = std::max(kept.longest_views, ++kept.session_views);
        // Lines are written when a request has ended, so times may go back a little.
        kept.last_seconds = std::max(kept.last_seconds, each.seconds);
    });
    return {kept.views, kept.bytes, kept.sessions, added};
}

totals fold_page(const views& news, page& kept) {
    const auto added = fold(news, kept.folded, [&](const view& each) {
        ++kept.views;
        kept.bytes += each.bytes;
    });
    return {kept.views, kept.bytes, 0, added};
}

}  // namespace sessions
