// SPDX-License-Identifier: Apache-2.0
#include "cluster/warm_set.hpp"

#include "cluster/rendezvous.hpp"

#include <algorithm>

namespace dunlin::cluster {

namespace {

bool contains(std::span<const std::uint32_t> tried, std::uint32_t place) noexcept {
    return std::find(tried.begin(), tried.end(), place) != tried.end();
}

bool has_told(const candidate& node) noexcept {
    const auto& report = node.report;
    return report.step_ns > 0 || report.idle > 0 || report.wait_ns > 0 || report.room > 0;
}

// How much of what is known of the node still counts.
double freshness(const candidate& node, std::int64_t now_ns) noexcept {
    const auto known_at_ns =
        node.sent_since == 0 ? node.reported_at_ns : std::max(node.reported_at_ns, node.sent_at_ns);
    const auto age_ns = static_cast<double>(now_ns) - static_cast<double>(known_at_ns);
    const auto untrusted_ns = age_ns - static_cast<double>(report_trusted_ns);
    return std::clamp(1 - untrusted_ns / static_cast<double>(warm_set::fade_ns), 0.0, 1.0);
}

bool delays(const candidate& node, std::int64_t now_ns) noexcept {
    if (!has_told(node)) return node.sent_since >= warm_set::calls_untold;
    // A report that came with an answer may count the call that was answered.
    const bool only_that = !node.local && node.sent_since == 0 &&
                           node.report.wait_ns <= std::max(node.report.step_ns, std::int64_t{0});
    return !only_that && predicted_wait_ns(node, now_ns) > warm_set::delay_ns;
}

/// What nodes have, and what of it is in use.
class usage {
public:
    void add(const candidate& node, std::int64_t now_ns) noexcept {
        const auto fresh = freshness(node, now_ns);
        if (!has_told(node)) {
            ++untold_;
            calls_untold_ += fresh * node.sent_since;
            return;
        }
        ++told_;
        const double capacity = node.capacity > 0 ? std::min(node.capacity, 1e9F) : 1.0F;
        capacity_ += capacity;
        // The 0 first: a NaN comes out as that.
        const double busy = std::min(std::max(0.0F, node.report.busy), 1.0F);
        work_ += fresh * capacity * busy;
        if (node.report.room == 0) return;
        room_ += node.report.room;
        calls_ += fresh * (static_cast<double>(node.report.in_flight) + node.sent_since);
    }

    /// The share of `those` that takes what is in use here.
    [[nodiscard]] float share_of(const usage& those) const noexcept {
        // Who has told nothing is taken to be like those that have.
        const auto capacity_each = told_ == 0 ? 0 : capacity_ / told_;
        const auto room_each = told_ == 0 ? room_of_waiting : room_ / told_;
        const auto capacity = those.capacity_ + capacity_each * those.untold_;
        const auto room = those.room_ + room_each * those.untold_;
        const auto busy = capacity > 0 ? work_ / capacity : 0;
        const auto crowd = room > 0 ? (calls_ + calls_untold_) / room : 0;
        return static_cast<float>(std::max(busy, crowd));
    }

private:
    double work_ = 0;
    double capacity_ = 0;
    double calls_ = 0;
    double calls_untold_ = 0;
    double room_ = 0;
    std::uint32_t told_ = 0;
    std::uint32_t untold_ = 0;
};

}  // namespace

warm_set::warm_set(std::string_view function) : function_hash_(name_hash(function)) {}

void warm_set::add(std::uint32_t place, std::uint64_t node_hash) {
    const ranked added{mix(function_hash_ + node_hash), place};
    const auto at = std::find_if(order_.begin(), order_.end(), [&](const ranked& each) {
        return each.weight != added.weight ? each.weight < added.weight : each.place > added.place;
    });
    order_.insert(at, added);
}

void warm_set::remove(std::uint32_t place) noexcept {
    std::erase_if(order_, [&](const ranked& each) { return each.place == place; });
}

// In order, those that are near before all that are far, until `visit` returns false.
template <class Visit>
void warm_set::visit_usable(std::span<const candidate> nodes, Visit&& visit) const {
    bool any_far = false;
    for (const auto& each : order_) {
        const auto& node = nodes[each.place];
        if (node.now != standing::usable) continue;
        if (node.rtt_ns >= far_ns)
            any_far = true;
        else if (!visit(each.place))
            return;
    }
    if (!any_far) return;
    for (const auto& each : order_) {
        const auto& node = nodes[each.place];
        if (node.now == standing::usable && node.rtt_ns >= far_ns && !visit(each.place)) return;
    }
}

void warm_set::narrow(std::span<candidate> nodes, std::span<const std::uint32_t> tried,
                      std::int64_t now_ns) noexcept {
    look(nodes, now_ns);
    has_own_ = false;
    const auto asked = width_ == 1 ? nobody : unheard(nodes, tried, now_ns);
    std::uint32_t taken = 0;
    bool all_delay = true;
    visit_usable(nodes, [&](std::uint32_t place) {
        auto& node = nodes[place];
        if (contains(tried, place)) return true;
        const bool inside = taken < width_;
        if ((!inside && !all_delay) || (asked != nobody && asked != place)) {
            node.now = standing::barred;
            return true;
        }
        ++taken;
        has_own_ = has_own_ || (inside && node.local);
        all_delay = all_delay && delays(node, now_ns);
        return true;
    });
}

// The node of the set that has not been heard of for longest, if that is too long, and it has no
// call that it would answer with a report.
std::uint32_t warm_set::unheard(std::span<const candidate> nodes,
                                std::span<const std::uint32_t> tried,
                                std::int64_t now_ns) const noexcept {
    auto found = nobody;
    auto oldest_ns = now_ns - report_trusted_ns;
    std::uint32_t inside = 0;
    visit_usable(nodes, [&](std::uint32_t place) {
        const auto& node = nodes[place];
        if (contains(tried, place)) return true;
        if (!node.local && node.sent_since == 0 && has_told(node) &&
            node.reported_at_ns < oldest_ns && predicted_wait_ns(node, now_ns) == 0) {
            oldest_ns = node.reported_at_ns;
            found = place;
        }
        return ++inside < width_;
    });
    return found;
}

void warm_set::look(std::span<const candidate> nodes, std::int64_t now_ns) noexcept {
    usage all;
    usage without_last;
    std::uint32_t inside = 0;
    bool more = false;
    visit_usable(nodes, [&](std::uint32_t place) {
        if (inside == width_) return !(more = true);
        without_last = all;
        all.add(nodes[place], now_ns);
        ++inside;
        return true;
    });
    if (inside == 0) return;
    if (const auto used = all.share_of(all); used > grow_share) {
        quiet_since_ns_ = never;
        if (!more) return;
        const bool regretted = folded_at_ns_ != never && now_ns - folded_at_ns_ < regret_ns;
        patience_ns_ = regretted ? fold_after_regret_ns : fold_after_ns;
        return change(width_ + 1, used, grow_share, now_ns);
    }
    if (width_ == 1) return;
    // Where fewer are usable than the set may have, they are the fewer.
    const auto fewer = inside < width_ ? all.share_of(all) : all.share_of(without_last);
    if (fewer >= fold_share) {
        quiet_since_ns_ = never;
        return;
    }
    if (quiet_since_ns_ == never) quiet_since_ns_ = now_ns;
    if (now_ns - quiet_since_ns_ < patience_ns_) return;
    // Who looks seldom makes up for it: one node for each time that has passed.
    quiet_since_ns_ = std::max(quiet_since_ns_ + patience_ns_, now_ns - patience_ns_);
    folded_at_ns_ = now_ns;
    change(width_ - 1, fewer, fold_share, now_ns);
}

void warm_set::change(std::uint32_t to, float used, float limit, std::int64_t now_ns) noexcept {
    last_change_ = {now_ns, width_, to, used, limit};
    width_ = to;
    ++changes_;
}

}  // namespace dunlin::cluster
