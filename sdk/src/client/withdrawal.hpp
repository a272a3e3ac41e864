// SPDX-License-Identifier: Apache-2.0
//
// Withdraws a call when the program requests a stop.
//
// The token may be stopped at any moment and on any thread, also before the call has its id. So
// the watch begins before the call, is told the id under the driver's mutex, and that says whether
// a stop came before it: then nobody else withdraws the call. Must not be destroyed with the mutex
// held, for it waits until a stop that is under way has been told.
#pragma once

#include <dunlin/client.hpp>

#include <atomic>
#include <cstdint>
#include <stop_token>

namespace dunlin::link {

template <class Driver>
class withdrawal {
public:
    withdrawal(Driver& engine, const std::stop_token& token)
        : at_stop_(token, action{engine, state_}) {}
    withdrawal(const withdrawal&) = delete;
    withdrawal& operator=(const withdrawal&) = delete;

    /// From now on a stop withdraws this call. With the mutex held.
    /// @returns whether one was requested before.
    [[nodiscard]] bool watch(std::uint64_t id) noexcept { return state_.exchange(id) == stopped; }

private:
    static constexpr std::uint64_t stopped = ~std::uint64_t{0};

    struct action {
        Driver& engine;
        std::atomic<std::uint64_t>& state;
        void operator()() const {
            const auto known = state.exchange(stopped);
            if (known != 0) engine.cancel(call_ticket{known});
        }
    };

    std::atomic<std::uint64_t> state_{0};  // the call's id, once there is one
    std::stop_callback<action> at_stop_;
};

}  // namespace dunlin::link
