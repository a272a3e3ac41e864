// SPDX-License-Identifier: Apache-2.0
//
// Many nodes' membership on one virtual network.
//
// Each host runs the state machine that a node runs, driven as a node drives it: called when its
// timer has come and when a message arrives, its messages handed to the network. Hosts can be
// killed, started again, paused, and have their clocks moved. After each step on a host what must
// always hold is checked, and what fails is collected in `violations`. One owner, one thread.
#pragma once

#include "runtime/membership/swim.hpp"
#include "tests/sim/virtual_network.hpp"
#include "tests/sim/virtual_time.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::sim {

namespace membership = runtime::membership;

struct cluster_settings {
    host_id hosts = 3;
    std::uint64_t seed = 1;
    membership::options how;
    link_quality quality;
    /// Every message goes through bytes and back, as between real nodes.
    bool through_codec = true;
    /// Looks at the whole view of a host after each step: small clusters only.
    bool check_views = true;
    /// All know all from the start; otherwise all join the first.
    bool preloaded = false;
};

/// What travels: for this start of the receiver, from this one of the sender.
struct membership_parcel {
    membership::instance_id from = membership::no_instance;
    membership::instance_id to = membership::no_instance;
    membership::message what;
};

class membership_cluster final : private virtual_time::handler,
                                 private virtual_network<membership_parcel>::receiver {
public:
    struct station {
        std::unique_ptr<membership::swim> node;  // null: down
        membership::instance_id instance = membership::no_instance;
        std::int64_t armed_ns = never_ns;  // of its clock's events
        std::int64_t clock_ahead_ns = 0;
        bool paused = false;
        bool leaving = false;
        std::map<membership::instance_id, std::uint64_t> ranks;  // as last seen
    };
    struct traffic {
        std::uint64_t messages = 0;
        std::uint64_t bytes = 0;
        std::size_t message_bytes_max = 0;
        std::size_t updates_waiting_max = 0;
    };
    static constexpr std::int64_t never_ns = std::numeric_limits<std::int64_t>::max();

    explicit membership_cluster(const cluster_settings& how);

    virtual_time time;
    virtual_network<membership_parcel> network;
    traffic sent;
    std::vector<std::string> violations;
    /// Every change at every host, as it happens.
    std::function<void(host_id at, const membership::change& what)> on_change;

    [[nodiscard]] host_id hosts() const noexcept { return static_cast<host_id>(hosts_.size()); }
    [[nodiscard]] const station& operator[](host_id at) const noexcept { return hosts_[at]; }
    /// A start's instance tells its host, and is as long on the wire as the random one of a node.
    static constexpr unsigned host_bits = 20;
    static constexpr auto instance_mark = std::uint64_t{1} << 63;
    [[nodiscard]] host_id host_of(membership::instance_id instance) const noexcept {
        return static_cast<host_id>(instance & ((1u << host_bits) - 1));
    }
    /// The process of this instance runs, or is only paused.
    [[nodiscard]] bool runs(membership::instance_id instance) const noexcept {
        const auto& host = hosts_[host_of(instance)];
        return host.node != nullptr && host.instance == instance;
    }
    [[nodiscard]] membership::swim& node(host_id at) noexcept { return *hosts_[at].node; }

    enum class ending : std::uint8_t { silent, connections_close };
    void kill(host_id at, ending how);
    /// Under the same name at the same endpoint; joins through `through`. Where the wall clock was
    /// put back meanwhile its instance is smaller than that of the start before.
    enum class wall_clock : std::uint8_t { went_on, was_put_back };
    void start(host_id at, host_id through, wall_clock clock = wall_clock::went_on);
    void introduce(host_id at, host_id to);
    void pause(host_id at);
    void resume(host_id at);
    /// Its clock leaps; virtual time does not.
    void move_clock(host_id at, std::int64_t by_ns);
    void drain(host_id at);
    void leave(host_id at);

    /// All that run, and do not leave, know exactly each other, alive and in the same incarnations.
    [[nodiscard]] bool converged() const;
    /// Who differs from whom, for a person.
    [[nodiscard]] std::string views() const;

private:
    void handle(std::uint64_t what) override;
    void arrive(host_id to, host_id from, membership_parcel& what) override;

    [[nodiscard]] std::int64_t clock_of(const station& at) const noexcept {
        return time.now_ns() + at.clock_ahead_ns;
    }
    membership::record_ptr new_record(host_id at, wall_clock clock = wall_clock::went_on);
    void connection_closed(host_id at, host_id peer);
    void after_step(host_id at);
    void send_all(host_id at);
    void check(host_id at);
    void violated(host_id at, const std::string& what);

    cluster_settings settings_;
    std::vector<station> hosts_;
    std::uint64_t starts_ = 0;
    std::vector<membership::outgoing> outgoing_;
    std::vector<membership::change> changes_;
    std::vector<std::byte> bytes_;
};

}  // namespace dunlin::sim
