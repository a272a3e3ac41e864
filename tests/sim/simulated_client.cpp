// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/simulated_client.hpp"

#include "cluster/random.hpp"

#include <cstring>
#include <string>
#include <utility>

namespace dunlin::sim {

namespace {

void encode_order(dunlin_buffer& to, const void* value) {
    if (to.capacity - to.size < sizeof(call_order) && to.grow(&to, to.size + sizeof(call_order)))
        return;
    std::memcpy(to.data + to.size, value, sizeof(call_order));
    to.size += sizeof(call_order);
}

}  // namespace

simulated_client::simulated_client(virtual_sockets& sockets, const virtual_time& time,
                                   call_oracle& oracle, host_id at, std::uint32_t number,
                                   std::uint64_t seed, client_options options,
                                   std::function<void()> wake)
    : virtual_process(at),
      sockets_(sockets),
      time_(time),
      oracle_(oracle),
      number_(number),
      wake_(std::move(wake)) {
    const running_as self(sockets_, *this);
    if (options.name.empty()) options.name = "client " + std::to_string(number);
    engine_ = std::make_unique<link::driver>(std::move(options), nullptr, support::resolve,
                                             cluster::mix((seed << 8) + number - 1) | 1);
}

simulated_client::~simulated_client() {
    const running_as self(sockets_, *this);
    engine_.reset();
}

std::int64_t simulated_client::turn() {
    const running_as self(sockets_, *this);
    last_ = engine_->step();
    return link::ns(last_.due) - virtual_steady_clock::start_ns;
}

call_ticket simulated_client::call(const simulated_call& what, done then) {
    const running_as self(sockets_, *this);
    const auto number = oracle_.begin(number_, what.idempotent, time_.now_ns() + what.timeout_ns);
    const call_order order{number, what.service_us, what.inner};
    call_options options;
    options.timeout = std::chrono::microseconds(what.timeout_ns / 1000);
    options.key = what.key;
    options.hedge = what.hedge;
    const auto ticket = engine_->call_async(
        {what.function, &encode_order, &order, options},
        [this, number, then = std::move(then)](result<bytes>&& reply) {
            result<void> with;
            if (!reply) with = result<void>(std::move(reply.error()));
            if (reply) {
                call_number echo = 0;
                if (reply->size() == sizeof echo) std::memcpy(&echo, reply->data(), sizeof echo);
                if (echo != number)
                    oracle_.violated(time_.now_ns(), "call " + std::to_string(number) +
                                                         " got the answer of call " +
                                                         std::to_string(echo));
            }
            oracle_.answered(number, with, time_.now_ns());
            if (then) then(with);
        });
    wake_();
    return ticket;
}

void simulated_client::cancel(call_ticket which) {
    const running_as self(sockets_, *this);
    engine_->cancel(which);
    wake_();
}

}  // namespace dunlin::sim
