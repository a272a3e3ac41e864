// SPDX-License-Identifier: Apache-2.0
//
// A client in virtual time: the engine of a real one, whose calls the oracle knows.
//
// It has no thread of its own: a turn is the rounds of a leader until it would sleep.
// One owner, one thread; `call_cluster` takes its turns.
#pragma once

#include "client/driver.hpp"
#include "tests/sim/call_oracle.hpp"
#include "tests/sim/simulated_node.hpp"
#include "tests/sim/virtual_sockets.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace dunlin::sim {

struct simulated_call {
    std::string function;
    bool idempotent = false;  // what its author declared, and so what may run twice
    std::string key;
    std::int64_t timeout_ns = 1'000'000'000;
    std::uint32_t service_us = 0;
    bool hedge = false;
    call_order::inner_call inner = call_order::inner_call::none;
};

class simulated_client final : public virtual_process {
public:
    simulated_client(virtual_sockets& sockets, const virtual_time& time, call_oracle& oracle,
                     host_id at, std::uint32_t number, std::uint64_t seed, client_options options,
                     std::function<void()> wake);
    ~simulated_client();

    void news() override { wake_(); }
    /// One turn. @returns when the next is due, in virtual time.
    std::int64_t turn();

    using done = std::function<void(const result<void>& with)>;
    /// @returns its ticket, for `cancel`.
    call_ticket call(const simulated_call& what, done then = {});
    void cancel(call_ticket which);

    [[nodiscard]] client_stats stats() { return engine_->stats(); }
    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    [[nodiscard]] const link::driver::turn& last() const noexcept { return last_; }

private:
    virtual_sockets& sockets_;
    const virtual_time& time_;
    call_oracle& oracle_;
    const std::uint32_t number_;
    std::function<void()> wake_;
    std::unique_ptr<link::driver> engine_;
    link::driver::turn last_{};
};

}  // namespace dunlin::sim
