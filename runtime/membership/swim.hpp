// SPDX-License-Identifier: Apache-2.0
//
// Who is in the cluster, as one node sees it.
//
// SWIM (Das, Gupta, Motivala: "SWIM: Scalable Weakly-consistent Infection-style Process Group
// Membership Protocol", 2002) with suspicion and incarnations, Lifeguard (Dadgar, Phillips,
// Currey 2017), and lists that are compared by checksum when a node joins and now and then, so
// that what gossip lost is found again. Every node has the same list in the end; a member that
// died is known dead everywhere in a time that `options` derives; what a member does not deserve
// it contradicts with a higher incarnation.
//
// A state machine: events go in with the time, messages and changes come out. No thread, socket,
// clock or log; the same inputs and seed give the same outputs. Its owner calls `advance`
// when `next_timer_ns` has come and carries out what it finds in `take_outgoing` after every call.
// One owner, one thread.
#pragma once

#include "runtime/membership/change.hpp"
#include "runtime/membership/local_health.hpp"
#include "runtime/membership/member_table.hpp"
#include "runtime/membership/message.hpp"
#include "runtime/membership/options.hpp"
#include "runtime/membership/probes.hpp"
#include "runtime/membership/round_trips.hpp"
#include "runtime/membership/suspicions.hpp"
#include "runtime/membership/update_queue.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace dunlin::runtime::membership {

class swim {
public:
    /// `self` is within limits (`problem_of`), and stays so. Times are of a clock of the caller's
    /// choice in nanoseconds; one that goes back or stands still is taken for a pause.
    swim(const options& how, record_ptr self, std::uint64_t seed, std::int64_t now_ns);

    /// A node was reached by its address: a join, or a link to or from it came up. Lists are
    /// compared, again and again for a while until it answers. A node that finds itself alone goes
    /// on introducing those whose addresses it was given: they may start again under others.
    void introduce(instance_id instance, std::int64_t now_ns);
    /// Its connection closed: probed at once instead of in its turn.
    void hint_lost(instance_id instance, std::int64_t now_ns);
    void receive(instance_id from, const message& what, std::int64_t now_ns);
    /// An answer of that member took so long, as measured over the link to it.
    void hear_round_trip(instance_id member, std::int64_t round_trip_ns);
    /// The time has come. Calling too early does nothing.
    void advance(std::int64_t now_ns);
    /// When to call `advance` next, on the caller's clock.
    [[nodiscard]] std::int64_t next_timer_ns() const noexcept;

    /// Says to all that this node takes no new calls. It stays so.
    void set_draining(std::int64_t now_ns);
    /// Says to all that this node leaves. It goes on answering and probing until it is destroyed;
    /// a second is plenty for the news to get around.
    void leave(std::int64_t now_ns);
    /// Members known from elsewhere, alive in their first incarnation: a cluster that starts as a
    /// whole. Nothing is sent and no change reported.
    void preload(std::span<const record_ptr> members);

    /// Replace what is in `into`. Nothing is lost when they are called seldom, only later.
    void take_outgoing(std::vector<outgoing>& into);
    void take_changes(std::vector<change>& into);

    [[nodiscard]] const member_record& self() const noexcept { return *members_[self_].record; }
    [[nodiscard]] incarnation_number incarnation() const noexcept {
        return members_[self_].incarnation;
    }
    /// All members that are known, this one and the dead included, in order of instance.
    [[nodiscard]] std::vector<member_view> snapshot() const;
    [[nodiscard]] std::optional<member_view> find(instance_id instance) const;
    /// Alive or suspect, this one included.
    [[nodiscard]] std::size_t living() const noexcept { return members_.living(); }
    /// Equal at nodes that know the same living members in the same incarnations.
    [[nodiscard]] std::uint64_t checksum() const noexcept { return members_.checksum(); }
    /// Living members that have not been heard themselves.
    [[nodiscard]] std::size_t unreached() const noexcept { return members_.unreached(); }
    [[nodiscard]] std::size_t suspected() const noexcept { return suspicions_.size(); }
    [[nodiscard]] std::size_t updates_waiting() const noexcept { return updates_.size(); }
    /// 0: healthy; otherwise periods and timeouts are that many times longer, plus one.
    [[nodiscard]] unsigned health_score() const noexcept { return health_.score(); }
    [[nodiscard]] const counters& counted() const noexcept { return counted_; }

private:
    struct tombstone {
        instance_id instance = no_instance;
        std::int64_t since_ns = 0;
    };
    struct introduced {
        instance_id instance = no_instance;
        unsigned tries = 0;
    };
    static constexpr std::size_t introduced_max = 16;
    static constexpr unsigned introduced_tries = 10;
    static constexpr std::size_t urgent_max = 64;

    // swim.cpp: time
    [[nodiscard]] std::int64_t next_inner_ns() const noexcept;
    void set_time(std::int64_t now_ns);
    void finish();
    [[nodiscard]] std::uint32_t age_s(const tombstone& of) const noexcept;
    [[nodiscard]] member_view view_of(const member_entry& entry) const;

    // swim_probe.cpp: asking and answering
    void start_turn();
    void start_probe(instance_id target, bool patient = true);
    [[nodiscard]] std::int64_t timeout_of(instance_id target, bool patient) const noexcept;
    [[nodiscard]] std::int64_t probe_ns(std::int64_t timeout_ns) const noexcept;
    void ask_again(probe& which);
    void fail(const probe& which);
    void advance_probes();
    void receive_ping(instance_id from, const message& what);
    void receive_ack(instance_id from, const message& what);
    void receive_ping_req(instance_id from, const message& what);
    void receive_nack(const message& what);
    void ping_a_dead_one();
    [[nodiscard]] instance_id random_member(std::span<const instance_id> except);

    // swim_merge.cpp: what is said about members
    void merge(const update& said, instance_id from);
    [[nodiscard]] bool is_plausible(const update& said, instance_id from,
                                    const member_entry* known) const noexcept;
    void hear_of_end(member_slot at, const update& said, instance_id from);
    void merge_self(const update& said, instance_id from);
    void complete(member_slot at, const record_ptr& record);
    void meet(const update& said, instance_id from);
    void mark_reached(instance_id instance);
    void become(member_slot at, record_ptr record, incarnation_number incarnation,
                member_state state, std::span<const instance_id> accusers, std::uint32_t age_s);
    void accuse(member_slot at, instance_id accuser);
    void confirm(instance_id suspect, std::span<const instance_id> accusers);
    void bury_overdue();
    void check_name(member_slot at, const member_entry& before);
    void doubt(instance_id member);
    void raise_self(record_ptr record, incarnation_number incarnation, member_state state);
    void bury(instance_id instance, std::int64_t since_ns);
    void forget_tombstones();
    void verify(instance_id suspect, std::span<const instance_id> accusers);
    void report(const member_entry& before, member_slot at);
    [[nodiscard]] suspicions::terms terms_now(instance_id suspect) const noexcept;

    // swim_sync.cpp: comparing lists, and what travels along
    void send(instance_id to, message&& what);
    void spread();
    [[nodiscard]] update update_of(const member_entry& entry) const;
    void compare_lists(instance_id with);
    void sync_turn();
    void receive_digest(instance_id from, const message& what);
    void receive_sync(instance_id from, const message& what);
    void send_buckets(instance_id to, unsigned bits, const std::vector<std::uint32_t>& buckets);
    void answer_sync(instance_id to, const message& what);
    [[nodiscard]] unsigned bits_now() const noexcept;

    options options_;
    seeded_random random_;
    std::int64_t now_ns_;
    std::int64_t ahead_ns_ = 0;  // what the caller's clock says more: pauses do not count

    member_table members_;
    member_slot self_ = no_slot;
    local_health health_;
    suspicions suspicions_;
    update_queue updates_;
    probe_order order_;
    probe_board probes_;
    round_trips round_trips_;
    std::vector<instance_id> urgent_;  // probed before others
    std::vector<introduced> introduced_;
    std::vector<tombstone> tombstones_;
    unsigned syncs_ = 0;

    std::int64_t next_turn_ns_;
    std::int64_t next_sync_ns_;
    std::int64_t next_dead_ping_ns_;
    std::int64_t next_forget_ns_;

    bool merging_list_ = false;          // what is merged comes from a sync
    instance_id speaker_ = no_instance;  // whose message is merged
    bool spread_ = false;                // there is news of our own
    std::vector<instance_id> tell_too_;  // who is told it besides
    std::vector<outgoing> outgoing_;
    std::vector<change> changes_;
    counters counted_;
};

}  // namespace dunlin::runtime::membership
