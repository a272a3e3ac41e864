// SPDX-License-Identifier: Apache-2.0
//
// What travels along with messages, and how lists are compared.
//
// Comparing costs one checksum while lists are equal. When they are not, checksums of parts tell
// which parts differ; those are listed, and the other side answers with what it knows better. So
// the price is that of the difference, in small clusters and in large ones.
#include "runtime/membership/message_codec.hpp"
#include "runtime/membership/swim.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace dunlin::runtime::membership {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
// Numbers of empty buckets cost little, but a part stays a part.
constexpr std::size_t buckets_in_part = 1024;

// Of two statements that rank alike, the one that tells more of what the member serves, and of its
// store, is the better one. Of a dead member neither is sent.
std::uint64_t completeness(incarnation_number incarnation, member_state state,
                           const member_record& record) noexcept {
    return rank(incarnation, state) << 2 | (is_living(state) ? parts_told(record) : 0);
}

}  // namespace

update swim::update_of(const member_entry& entry) const {
    update said{entry.state, entry.incarnation, entry.record, {}, 0};
    if (entry.state == member_state::suspect) {
        const auto accusers = suspicions_.accusers(entry.instance);
        said.accusers.assign(accusers.begin(), accusers.end());
    } else if (!is_living(entry.state)) {
        for (const auto& each : tombstones_) {
            if (each.instance != entry.instance) continue;
            const auto age_s = std::max<std::int64_t>(0, (now_ns_ - each.since_ns) / second_ns);
            said.age_s = static_cast<std::uint32_t>(
                std::min<std::int64_t>(age_s, std::numeric_limits<std::uint32_t>::max()));
        }
    }
    return said;
}

void swim::send(instance_id to, message&& what) {
    const auto at = members_.find(to);
    const bool gone = at != no_slot && !is_living(members_[at].state);
    // The accused hears it first (Lifeguard's buddy), from everyone who talks to it.
    if (at != no_slot && members_[at].state != member_state::alive)
        what.updates.push_back(update_of(members_[at]));
    if (!gone && what.kind != message_kind::sync && updates_.size() != 0) {
        std::size_t bytes = 0;
        const auto carried = what.updates.size();
        const auto times_max = static_cast<std::uint32_t>(std::ceil(
            options_.retransmit_multiplier * std::log(static_cast<double>(members_.living()) + 1)));
        updates_.tell(times_max, [&](instance_id instance) {
            const auto before = std::span(what.updates).first(carried);
            if (std::any_of(before.begin(), before.end(), [&](const update& each) {
                    return each.record->instance == instance;
                })) {
                return true;
            }
            auto said = update_of(members_[members_.find(instance)]);
            bytes += encoded_bytes_max(said);
            if (bytes > options_.update_bytes_max && what.updates.size() > carried) return false;
            what.updates.push_back(std::move(said));
            return true;
        });
    }
    outgoing_.push_back({to, std::move(what)});
}

void swim::spread() {
    spread_ = false;
    auto told = std::exchange(tell_too_, {});
    std::sort(told.begin(), told.end());
    told.erase(std::unique(told.begin(), told.end()), told.end());
    for (const auto each : told) send(each, {});
    for (unsigned i = 0; i < options_.fanout; ++i) {
        const auto member = random_member(told);
        if (member == no_instance) break;
        told.push_back(member);
        send(member, {});
    }
}

unsigned swim::bits_now() const noexcept {
    unsigned bits = 0;
    while ((std::size_t{16} << bits) < members_.living() && bits < limits::bucket_bits_max) ++bits;
    return bits > 1 ? bits : 0;
}

void swim::compare_lists(instance_id with) {
    message what;
    what.kind = message_kind::digest;
    what.digests.push_back(members_.checksum());
    what.updates.push_back(update_of(members_[self_]));
    send(with, std::move(what));
}

void swim::sync_turn() {
    if (introduced_.empty()) {
        const auto member = random_member({});
        if (member != no_instance) {
            compare_lists(member);
            if (syncs_ < options_.syncs_first) ++syncs_;
        }
    } else {
        // A node that is alone has nobody else to ask, however long it is cut off.
        const bool alone = members_.living() < 2;
        std::erase_if(introduced_, [&](introduced& each) {
            if (++each.tries > introduced_tries && !alone) return true;
            compare_lists(each.instance);
            return false;
        });
    }
    const bool soon = !introduced_.empty() || syncs_ < options_.syncs_first;
    const auto period_ns = options_.sync_period_ns;
    next_sync_ns_ =
        now_ns_ + (soon ? options_.sync_first_ns
                        : period_ns * 3 / 4 +
                              static_cast<std::int64_t>(random_.draw() >> 1) % (period_ns / 2 + 1));
}

void swim::receive_digest(instance_id from, const message& what) {
    const unsigned bits = what.bucket_bits;
    if (bits == 0 && what.digests[0] == members_.checksum()) return;
    ++counted_.syncs;
    if (bits < bits_now()) {
        message finer;
        finer.kind = message_kind::digest;
        finer.bucket_bits = static_cast<std::uint8_t>(bits_now());
        finer.digests = members_.checksums(bits_now());
        finer.updates.push_back(update_of(members_[self_]));
        send(from, std::move(finer));
        return;
    }
    const auto ours = members_.checksums(bits);
    std::vector<std::uint32_t> differing;
    for (std::uint32_t i = 0; i < ours.size(); ++i)
        if (ours[i] != what.digests[i]) differing.push_back(i);
    if (!differing.empty()) send_buckets(from, bits, differing);
}

void swim::send_buckets(instance_id to, unsigned bits, const std::vector<std::uint32_t>& buckets) {
    std::vector<std::vector<member_slot>> listed(std::size_t{1} << bits);
    for (member_slot at = 0; at < members_.slots(); ++at)
        if (members_[at].instance != no_instance)
            listed[member_table::bucket_of(members_[at].instance, bits)].push_back(at);

    message part;
    const auto flush = [&] {
        part.kind = message_kind::sync;
        part.bucket_bits = static_cast<std::uint8_t>(bits);
        part.wants_answer = true;
        send(to, std::exchange(part, {}));
    };
    for (const auto bucket : buckets) {
        part.buckets.push_back(bucket);
        for (const auto at : listed[bucket])
            if (part.updates.size() < limits::updates_max - 1)
                part.updates.push_back(update_of(members_[at]));
        if (part.updates.size() >= limits::sync_records || part.buckets.size() >= buckets_in_part) {
            flush();
        }
    }
    if (!part.buckets.empty()) flush();
}

void swim::receive_sync(instance_id from, const message& what) {
    if (what.wants_answer) answer_sync(from, what);
}

void swim::answer_sync(instance_id to, const message& what) {
    const unsigned bits = what.bucket_bits;
    std::vector<bool> wanted(std::size_t{1} << bits);
    for (const auto bucket : what.buckets)
        if (bucket < wanted.size()) wanted[bucket] = true;
    std::vector<std::pair<instance_id, std::uint64_t>> listed;
    listed.reserve(what.updates.size());
    for (const auto& said : what.updates)
        listed.emplace_back(said.record->instance,
                            completeness(said.incarnation, said.state, *said.record));
    std::sort(listed.begin(), listed.end());

    message part;
    const auto flush = [&] {
        part.kind = message_kind::sync;
        part.bucket_bits = static_cast<std::uint8_t>(bits);
        send(to, std::exchange(part, {}));
    };
    for (member_slot at = 0; at < members_.slots(); ++at) {
        const auto& entry = members_[at];
        if (entry.instance == no_instance) continue;
        if (!wanted[member_table::bucket_of(entry.instance, bits)]) continue;
        const auto found = std::lower_bound(listed.begin(), listed.end(),
                                            std::pair(entry.instance, std::uint64_t{0}));
        if (found != listed.end() && found->first == entry.instance &&
            found->second >= completeness(entry.incarnation, entry.state, *entry.record)) {
            continue;
        }
        part.updates.push_back(update_of(entry));
        if (part.updates.size() >= limits::sync_records) flush();
    }
    if (!part.updates.empty()) flush();
}

}  // namespace dunlin::runtime::membership
