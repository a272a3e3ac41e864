// SPDX-License-Identifier: Apache-2.0
//
// Those at the other end of a lane's socket, and what waits to be sent to each.
//
// A peer exists from its hello until it says bye, its connection is gone, or it reads so slowly
// that its backlog reaches the limit. Owned by the lane; one thread.
#pragma once

#include "runtime/calls/ledger.hpp"
#include "runtime/lane/bulk_frames.hpp"
#include "runtime/lane/connection_table.hpp"
#include "runtime/lane/memory_budget.hpp"
#include "runtime/lane/peer_rights.hpp"
#include "runtime/lane/transit_delay.hpp"
#include "wire/envelope.hpp"
#include "wire/frame_buffer.hpp"

#include <zmq.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dunlin::runtime {

/// In the ping behind a peer's last answers; its pong shows that they were read.
inline constexpr std::uint64_t farewell_token = 1;
/// In the ping behind the word that this node drains; its pong comes after the last call that the
/// peer sent without knowing.
inline constexpr std::uint64_t drain_token = 2;

namespace peer_limits {
/// A host that is gone is noticed after 20 s, whether something was sent to it or not.
inline constexpr int keepalive_idle_s = 5;
inline constexpr int keepalive_interval_s = 5;
inline constexpr int keepalive_probes = 3;
inline constexpr int unacknowledged_ms_max = 20'000;
/// ZeroMQ's own handshake.
inline constexpr int handshake_ms_max = 10'000;
/// Between the end of ZeroMQ's handshake, or a bye, and a hello.
inline constexpr std::int64_t speechless_ns_max = 10'000'000'000;
/// A peer with calls in flight that has been silent for so long is asked whether it is there ...
inline constexpr std::int64_t silence_ns_asked = 10'000'000'000;
/// ... and given up when it has said nothing for so long.
inline constexpr std::int64_t silence_ns_max = 25'000'000'000;
}  // namespace peer_limits

struct peer : caller {
    peer() noexcept : caller(kind::peer) {}

    std::string routing_id;
    std::string name;
    wire::peer_role role = wire::peer_role::client;
    accepted_connection* connection = nullptr;  // null: not known, or it has ended
    std::int64_t heard_ns = 0;                  // when its last frame came
    bool asked = false;                         // whether it is there, since then
    bool suspected = false;                     // is in the lane's list of suspects
    std::uint8_t probes_left = 0;               // while its connection may have ended
    std::int64_t probe_ns = 0;                  // when the next is due

    std::uint64_t instance = 0;  // of a node, as it says in its hello
    bool gossips = false;        // its connection is the one that the node gossips over
    bool wants_cluster = false;  // members, catalog and load
    /// Functions whose load its next frame tells, as places in the catalog.
    std::vector<std::uint32_t> loads_due;
    /// Where the functions of the catalog stand in the list that the peer was told, which leaves
    /// out what its key may not call. Empty: it was told all.
    std::vector<std::uint32_t> places_told;
    static constexpr std::uint32_t not_told = ~std::uint32_t{0};
    [[nodiscard]] std::uint32_t place_told(std::uint32_t place) const noexcept {
        return places_told.empty() ? place : places_told[place];
    }

    /// Null on a node without a key: everybody may do everything.
    std::unique_ptr<peer_rights> rights;
    /// Its calls count in the quota of its key, if that has one. A node has none: it sends on what
    /// counts where it came in.
    void count_by_rights() noexcept {
        const bool counts = rights != nullptr && role != wire::peer_role::node;
        count_in(counts ? rights->granted->use.get() : nullptr);
    }
    /// Its share beside other callers.
    [[nodiscard]] std::uint32_t weight() const noexcept {
        return rights == nullptr ? quota().weight : rights->granted->limits.weight;
    }
    /// What the origin that a call names is known as from here on.
    [[nodiscard]] std::uint64_t origin_of(std::uint64_t told) const noexcept {
        const bool as_told = rights == nullptr || role == wire::peer_role::node || told == 0;
        return as_told ? told : rights->origin_sealed;
    }

    /// Whose calls its calls are, among those who share a function: its key's, else its own.
    [[nodiscard]] std::uint64_t caller_number() const noexcept {
        return rights == nullptr ? reinterpret_cast<std::uintptr_t>(this) : rights->number;
    }

    /// What its frames count in; null: it has not been opened.
    caller_bytes_use account;
    void open_account(caller_accounts& in) {
        if (account != nullptr) return;
        account = in.open(rights == nullptr ? std::nullopt : std::optional(rights->number));
    }
    [[nodiscard]] frame_owner owner() const noexcept {
        return {account.get(), weight(), unsent.get()};
    }

    transit_delay delay;
    std::int64_t late_ns = 0;  // of the calls in the frame that is read

    std::unique_ptr<bulk_frames> bulk;  // null: nothing waits to be read

    wire::frame_buffer out;  // envelopes of this turn
    std::uint32_t out_envelopes = 0;
    bool dirty = false;         // is in the lane's list of peers to flush
    bool drain_due = false;     // may still send calls without knowing that this node drains
    bool farewell_due = false;  // has not shown yet that it read its last answers
    bool gone = false;          // found unreachable while sending; removed at the end of the turn
    std::deque<zmq::message_t> backlog;  // frames that ZeroMQ's queue had no room for
    std::size_t backlog_bytes = 0;
    std::size_t backlog_small = 0;  // of it, in frames that are not counted one by one
    std::size_t large_kept = 0;     // of `unsent`, not given to ZeroMQ yet
    /// Large frames that are not written yet; the connection's.
    std::shared_ptr<unsent_frames> unsent;
};

/// @pre a peer made the call.
[[nodiscard]] inline peer& peer_of(const ledger_entry& entry) noexcept {
    return static_cast<peer&>(*entry.asker);
}

class peer_table {
public:
    [[nodiscard]] peer* find(std::string_view routing_id) {
        if (last_ != nullptr && last_->routing_id == routing_id) return last_;
        const auto found = peers_.find(routing_id);
        if (found == peers_.end()) return nullptr;
        return last_ = found->second.get();
    }
    peer& add(std::string_view routing_id) {
        auto& added = peers_[std::string(routing_id)];
        added = std::make_unique<peer>();
        added->routing_id = routing_id;
        return *added;
    }
    void remove(peer& leaving) {
        if (last_ == &leaving) last_ = nullptr;
        peers_.erase(std::string(leaving.routing_id));
    }
    template <class Visit>
    void for_each(Visit&& visit) {
        for (auto& [id, each] : peers_) visit(*each);
    }
    [[nodiscard]] std::size_t size() const noexcept { return peers_.size(); }

private:
    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    std::unordered_map<std::string, std::unique_ptr<peer>, hash, std::equal_to<>> peers_;
    peer* last_ = nullptr;
};

}  // namespace dunlin::runtime
