// SPDX-License-Identifier: Apache-2.0
#include "actors/state/owner_lease.hpp"

#include <algorithm>

namespace dunlin::actors {

void owner_lease::announces(std::uint64_t view) {
    if (view == view_) return;
    kept_by_.push_back(view);
    // Before the others can read it: from then on they may take what this node gives up.
    phase_ = phase::settling;
    rival_until_ns_ = 0;
}

void owner_lease::announced(std::uint64_t view, std::int64_t sent_ns,
                            std::int64_t stored_ns) noexcept {
    // Others who saw nothing new for a lease do not count on this node any more.
    const bool gap = !has_row_ || stored_ns - last_sent_ns_ >= lease_ns - margin_ns;
    if (gap || view != view_) {
        phase_ = phase::settling;
        rival_until_ns_ = 0;
        settles_ns_ = stored_ns + lease_ns;
    }
    view_ = view;
    has_row_ = true;
    last_sent_ns_ = sent_ns;
}

void owner_lease::saw(std::span<const row> rows, std::int64_t asked_ns, std::int64_t got_ns) {
    if (!has_row_) return;
    for (auto& [node, each] : others_) each.there = false;
    bool agree = true;
    bool kept = asked_ns < alone_until_ns_;
    bool own = false;
    for (const auto& each : rows) {
        if (each.node == node_) {
            own = each.view == view_;
            continue;
        }
        auto [at, fresh] = others_.try_emplace(each.node);
        auto& known = at->second;
        known.there = true;
        if (fresh || known.beat != each.beat) {
            known.beat = each.beat;
            known.since_ns = got_ns;
        }
        // One that has been silent for a lease, while this view was announced, owns nothing and has
        // to begin anew.
        const bool silent = asked_ns >= settles_ns_ && asked_ns - known.since_ns >= lease_ns;
        if (silent) continue;
        agree = agree && each.view == view_;
        kept = kept && std::find(kept_by_.begin(), kept_by_.end(), each.view) != kept_by_.end();
    }
    std::erase_if(others_, [](const auto& each) { return !each.second.there; });
    // Somebody has taken its row away: it counts again when it is there.
    if (!own) return;
    if (agree) {
        if (asked_ns >= alone_until_ns_) ++epoch_;
        agreed_view_ = view_;
        kept_by_.assign(1, view_);
        alone_until_ns_ = asked_ns + lease_ns - margin_ns;
        rival_until_ns_ = 0;
        phase_ = phase::agreed;
    } else if (kept) {
        alone_until_ns_ = asked_ns + lease_ns - margin_ns;
        phase_ = phase::settling;
    } else if (asked_ns >= settles_ns_ && asked_ns >= alone_until_ns_) {
        phase_ = phase::rivals;
        rival_until_ns_ = last_sent_ns_ + lease_ns - margin_ns;
    } else {
        phase_ = phase::settling;
    }
}

bool owner_lease::abandoned(std::uint64_t node, std::int64_t now_ns) const {
    const auto found = others_.find(node);
    return found != others_.end() && now_ns - found->second.since_ns >= abandoned_after_ns;
}

}  // namespace dunlin::actors
