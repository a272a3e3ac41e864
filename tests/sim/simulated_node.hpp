// SPDX-License-Identifier: Apache-2.0
//
// A node in virtual time: the parts that `runtime/node.cpp` wires, without their threads.
//
// Lane, links, router, membership, pools and activations are those of a real node; its sockets, its
// clock and its turns are the simulator's. Its functions answer after a time that is in the
// payload, and tell the oracle when they begin. One owner, one thread; the clock and the turns
// are moved by `call_cluster`.
#pragma once

#include "actors/pool.hpp"
#include "runtime/calls/call_window.hpp"
#include "runtime/cluster/cluster_agent.hpp"
#include "runtime/cluster/cluster_board.hpp"
#include "runtime/lane/lane.hpp"
#include "runtime/lane/lane_alarm.hpp"
#include "runtime/lane/memory_budget.hpp"
#include "runtime/lane/reply_budget.hpp"
#include "runtime/node_services.hpp"
#include "runtime/router/function_registry.hpp"
#include "tests/sim/call_oracle.hpp"
#include "tests/sim/virtual_lane.hpp"
#include "tests/sim/virtual_sockets.hpp"
#include "tests/support/recorded_looks.hpp"

#include <caf/actor_system.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::sim {

/// What a call carries, as its payload.
struct call_order {
    call_number number = 0;
    std::uint32_t service_us = 0;
    /// The function calls another one, with the rest of its time, and answers when that has.
    enum class inner_call : std::uint32_t { none, again, once } inner = inner_call::none;
};

struct simulated_function {
    std::string name;
    bool idempotent = false;
};

struct node_settings {
    std::string name;
    /// Of its lanes, at least one; the first carries the membership.
    std::vector<std::string> endpoints;
    std::uint64_t instance = 0;
    std::vector<simulated_function> functions;
    std::size_t activations = 4;
    std::size_t queue_depth_max = 16;
    std::size_t in_flight_max = 65536;
    std::vector<std::string> join;
    runtime::membership::options timing;
    /// The window that keeps an attempt that arrives twice from running twice.
    bool dedupe = true;
};

class simulated_node final : public virtual_process {
public:
    simulated_node(caf::actor_system& system, virtual_sockets& sockets, const virtual_time& time,
                   call_oracle& oracle, host_id at, node_settings how, std::function<void()> wake);
    ~simulated_node();

    void news() override { wake_(); }
    /// One turn of each lane. @returns when the next is due, in virtual time.
    std::int64_t turn();

    void move_clock(std::int64_t by_ns) noexcept { time_.ahead_ns += by_ns; }
    void drain();
    /// After `drain`: what is left is answered, and the others are told.
    void finish();
    /// It is gone: what its functions wait for ends. `run` handles what actors have been told.
    void take_down(const std::function<void()>& run);
    /// Nothing is left to do for it.
    [[nodiscard]] bool drained() const;
    [[nodiscard]] bool ended() const noexcept { return last_.ended; }

    /// As whose its functions' calls are known to the oracle.
    [[nodiscard]] std::uint32_t as_client() const noexcept {
        return static_cast<std::uint32_t>(how_.instance >> 20) | std::uint32_t{1} << 24;
    }
    [[nodiscard]] const node_settings& how() const noexcept { return how_; }
    /// Of all lanes together.
    [[nodiscard]] const lane_turn& last() const noexcept { return last_; }
    /// Who it believes is there; null before its first turn.
    [[nodiscard]] const runtime::cluster_view* view() const noexcept { return view_.get(); }
    [[nodiscard]] std::uint64_t invocations_received() const noexcept;
    [[nodiscard]] std::size_t bytes_held() const noexcept { return budget_.frames_held(); }
    [[nodiscard]] std::vector<actors::pool*> pools() const { return functions_.pools(); }

private:
    class clock final : public actors::steady_time {
    public:
        explicit clock(const virtual_time& time) noexcept : time_(time) {}
        [[nodiscard]] std::int64_t now_ns() const noexcept override {
            return virtual_steady_clock::start_ns + time_.now_ns() + ahead_ns;
        }
        std::int64_t ahead_ns = 0;

    private:
        const virtual_time& time_;
    };
    /// Of one invocation that waits.
    struct waiting_run;
    struct served {
        simulated_node* node = nullptr;
        simulated_function what;
    };

    static void invoke(std::unique_ptr<waiting_run> by, call_order::inner_call which);
    static std::int32_t run(void* self, const dunlin_host* host, dunlin_call* call,
                            const std::uint8_t* payload, std::size_t size);

    virtual_sockets& sockets_;
    const virtual_time& virtual_time_;
    call_oracle& oracle_;
    const node_settings how_;
    std::function<void()> wake_;
    clock time_;
    runtime::memory_budget budget_{std::size_t{64} << 20};
    runtime::reply_budget replies_{std::size_t{64} << 20};
    runtime::call_window calls_;
    std::deque<served> served_;
    testing::recorded_looks looks_;
    runtime::function_registry functions_;
    runtime::cluster_board board_;
    runtime::lanes_of_node at_hand_;
    runtime::node_router router_{functions_, time_, at_hand_};
    runtime::lane_timers timers_{at_hand_};
    runtime::logged_functions log_;
    runtime::lane_alarm alarm_;
    std::shared_ptr<const runtime::cluster_view> view_;
    std::unique_ptr<runtime::cluster_agent> membership_;
    std::vector<std::unique_ptr<runtime::lane>> lanes_;
    std::vector<std::unique_ptr<virtual_lane>> turns_;  // one for each
    lane_turn last_;
};

}  // namespace dunlin::sim
