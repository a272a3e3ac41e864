// SPDX-License-Identifier: Apache-2.0
#include "cluster/spread.hpp"

#include <algorithm>

namespace dunlin::cluster {

namespace {

constexpr float capacity_max = 1e9F;
// The hop delays this call only; sharing the load spares all that follow.
constexpr double hop_share = 0.25;
// Up to here a scan is quicker than drawing by rejection.
constexpr std::size_t scan_size_max = 8;

bool contains(std::span<const std::uint32_t> tried, std::size_t index) noexcept {
    for (const auto each : tried) {
        if (each == index) return true;
    }
    return false;
}

/// What is assumed of nodes that have not told their step: that they are like those that have.
/// Taken for quicker, they would get a whole burst.
struct assumed {
    double step_ns = static_cast<double>(step_unknown_ns);
    float capacity = capacity_of(step_unknown_ns);
    // Where calls wait, which a node that has told nothing would else be taken to have no room for.
    std::uint32_t servers = 0;
    std::uint32_t room = 0;
};

bool has_told(const load_report& report) noexcept {
    return report.step_ns > 0 || report.idle > 0 || report.room > 0;
}

// Weights come from reports of others: whatever they say, a draw must end at a node.
float weight(const candidate& node, const assumed& otherwise) noexcept {
    const auto told = node.report.step_ns > 0 ? node.capacity : otherwise.capacity;
    return told > 0 ? std::min(told, capacity_max) : 1.0F;
}

double age_ns(std::int64_t since_ns, std::int64_t now_ns) noexcept {
    return std::max(static_cast<double>(now_ns) - static_cast<double>(since_ns), 0.0);
}

/// What is left at `now_ns` of a queue of this length that was known at `since_ns`.
double left_of(double wait_ns, std::int64_t since_ns, std::int64_t now_ns) noexcept {
    const auto drained = age_ns(since_ns, now_ns) - static_cast<double>(report_trusted_ns);
    return std::max(wait_ns - std::max(drained, 0.0), 0.0);
}

/// The candidates of one standing that may be drawn.
struct draw_set {
    std::span<const candidate> nodes;
    std::span<const std::uint32_t> tried;
    standing which;
    float highest;  // weight
    const assumed& otherwise;

    [[nodiscard]] bool has(std::size_t index) const noexcept {
        return nodes[index].now == which && !nodes[index].local &&
               (tried.empty() || !contains(tried, index));
    }
    /// Draws by rejection, which is as exact as the scan and quicker among many nodes of like
    /// capacity. Gives up soon.
    [[nodiscard]] std::size_t guess(random_source& random, std::size_t except,
                                    std::size_t except_too) const noexcept {
        for (int tries = 0; tries < 8; ++tries) {
            const auto bits = random.next();
            const auto index = static_cast<std::size_t>(((bits >> 32) * nodes.size()) >> 32);
            if (index == except || index == except_too || !has(index)) continue;
            const auto level = static_cast<float>(bits & 0xffff'ffffu) * 0x1p-32F;
            if (level * highest <= weight(nodes[index], otherwise)) return index;
        }
        return spread::none;
    }
    [[nodiscard]] std::size_t scan(random_source& random, std::size_t except,
                                   std::size_t except_too) const noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            if (i != except && i != except_too && has(i)) sum += weight(nodes[i], otherwise);
        }
        auto point = random.next_unit() * sum;
        std::size_t last = spread::none;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            if (i == except || i == except_too || !has(i)) continue;
            last = i;
            point -= weight(nodes[i], otherwise);
            if (point < 0) break;
        }
        return last;  // the last one if rounding left a rest
    }
};

/// What sending the call to one node comes to.
struct offer {
    std::size_t index = spread::none;
    double wait_ns = 0;
    double cost_ns = 0;  // with the hop
    double age_ns = 0;
    float busy = 0;
    double sent_ns = 0;  // work sent there since its report, as it measures it

    // The first drawn stays unless the other is surely better: a queue may have changed by as
    // much as its report is old. Where that leaves it open, what was sent since decides, which the
    // chooser knows exactly: without it a burst between two reports goes wherever chance has it.
    // Among those that start it at once the less busy one is, else shares would follow the capacity
    // only as long as nobody has calls of his own.
    [[nodiscard]] bool better_than(const offer& other) const noexcept {
        if (wait_ns == 0 && other.wait_ns == 0) return busy < other.busy;
        const auto age = std::min(age_ns, other.age_ns);
        if (cost_ns + age < other.cost_ns) return true;
        if (other.cost_ns + age < cost_ns) return false;
        return sent_ns < other.sent_ns;
    }
};

double step_of(const candidate& node, const assumed& otherwise) noexcept {
    return node.report.step_ns > 0 ? static_cast<double>(node.report.step_ns) : otherwise.step_ns;
}

double predicted_wait_ns(const candidate& node, double step, std::int64_t now_ns) noexcept {
    // Floating point, because a hostile report times a count must not overflow.
    if (node.report.idle > node.sent_since) return 0;
    const auto sent_at_ns = std::max(node.sent_at_ns, node.reported_at_ns);
    if (node.report.idle > 0)
        return left_of(step * (static_cast<double>(node.sent_since - node.report.idle) + 1),
                       sent_at_ns, now_ns);
    // Without an idle server the next one is free after about a step, even if none waits.
    const auto reported = std::max(static_cast<double>(node.report.wait_ns), step);
    if (node.sent_since == 0) return left_of(reported, node.reported_at_ns, now_ns);
    // What was there may have gone before anything was sent; that is there since then.
    const auto found = left_of(reported, node.reported_at_ns, sent_at_ns);
    return left_of(found + step * node.sent_since, sent_at_ns, now_ns);
}

offer offer_of(const candidate& node, std::size_t index, const assumed& otherwise,
               std::int64_t now_ns) noexcept {
    if (otherwise.room > 0 && !has_told(node.report)) {
        auto like_others = node;
        like_others.report.idle = otherwise.servers;
        like_others.report.room = otherwise.room;
        return offer_of(like_others, index, otherwise, now_ns);
    }
    const auto step = step_of(node, otherwise);
    const auto wait_ns = predicted_wait_ns(node, step, now_ns);
    const auto cost_ns = wait_ns + static_cast<double>(node.rtt_ns);
    return {index,
            wait_ns,
            cost_ns,
            age_ns(node.reported_at_ns, now_ns),
            used_share(node),
            step * node.sent_since};
}

}  // namespace

float capacity_of(std::int64_t step_ns) noexcept {
    return 1e9F / static_cast<float>(step_ns > 0 ? step_ns : step_unknown_ns);
}

void candidate::learn(const load_report& news, std::uint32_t unseen, std::int64_t now_ns) noexcept {
    report = news;
    sent_since = unseen;
    reported_at_ns = now_ns;
    capacity = capacity_of(news.step_ns);
}

double predicted_wait_ns(const candidate& node, std::int64_t now_ns) noexcept {
    return predicted_wait_ns(node, step_of(node, {}), now_ns);
}

std::size_t spread::choose(std::span<const candidate> nodes, std::span<const std::uint32_t> tried,
                           std::int64_t now_ns) noexcept {
    float highest[2] = {0, 0};
    std::size_t counts[2] = {0, 0};
    std::size_t latest[2] = {none, none};
    bool untold[2] = {false, false};
    double steps_ns = 0;
    std::size_t told = 0;
    std::size_t own = none;
    std::uint32_t servers = 0;
    std::uint32_t room = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const auto& node = nodes[i];
        if (node.now == standing::barred || (!tried.empty() && contains(tried, i))) continue;
        if (node.report.step_ns > 0) {
            steps_ns += static_cast<double>(node.report.step_ns);
            ++told;
        }
        if (node.report.room > 0 && node.report.idle > 0) {
            constexpr std::uint32_t servers_max = 1U << 20;
            servers = std::max(servers, std::min(node.report.idle, servers_max) +
                                            std::min(node.report.in_flight, servers_max));
            room = node.report.room;
        }
        if (node.local) {
            own = i;
            continue;
        }
        const auto which = static_cast<std::size_t>(node.now);
        if (node.report.step_ns > 0)
            highest[which] = std::max(highest[which], weight(node, {}));
        else
            untold[which] = true;
        ++counts[which];
        latest[which] = i;
    }
    const bool own_usable = own != none && nodes[own].now == standing::usable;
    const auto which = own_usable || counts[0] > 0 ? standing::usable : standing::avoided;
    const auto count = counts[static_cast<std::size_t>(which)];
    if (count == 0) return own;
    const bool own_counts = own != none && nodes[own].now == which;
    if (count == 1 && !own_counts) return latest[static_cast<std::size_t>(which)];

    assumed otherwise;
    otherwise.servers = servers;
    otherwise.room = room;
    if (told != 0) {
        otherwise.step_ns = steps_ns / static_cast<double>(told);
        otherwise.capacity = static_cast<float>(1e9 / otherwise.step_ns);
    }
    auto& most = highest[static_cast<std::size_t>(which)];
    if (untold[static_cast<std::size_t>(which)])
        most = std::max(most, std::min(otherwise.capacity, capacity_max));
    const draw_set others{nodes, tried, which, most, otherwise};
    // Three nodes are looked at in all.
    const auto draws = std::min<std::size_t>(count, own_counts ? 2 : 3);
    offer best;
    std::size_t drawn[2] = {none, none};
    for (std::size_t draw = 0; draw < draws; ++draw) {
        auto index = none;
        if (nodes.size() > scan_size_max) index = others.guess(random_, drawn[0], drawn[1]);
        if (index == none) index = others.scan(random_, drawn[0], drawn[1]);
        if (index == none) break;
        if (draw < 2) drawn[draw] = index;
        const auto made = offer_of(nodes[index], index, otherwise, now_ns);
        if (best.index == none || made.better_than(best)) best = made;
    }
    if (!own_counts) return best.index;

    const auto& here = nodes[own];
    const auto own_wait = predicted_wait_ns(here, step_of(here, otherwise), now_ns);
    if (own_wait > best.cost_ns) return best.index;
    if (own_wait > 0 || best.wait_ns > 0) return own;
    const auto less_busy = used_share(here) - best.busy - busy_margin;
    // A burst of calls that wait begins before any of them has ended.
    const auto service_ns =
        here.service_ns > 0 || here.report.room == 0 ? here.service_ns : waiting_unknown_ns;
    const auto gain_ns = static_cast<double>(less_busy) * static_cast<double>(service_ns);
    return gain_ns > best.cost_ns * hop_share ? best.index : own;
}

}  // namespace dunlin::cluster
