// SPDX-License-Identifier: Apache-2.0
//
// Connections without sockets, for tests of what decides about calls.
#pragma once

#include "client/call_table.hpp"
#include "client/channel.hpp"
#include "wire/envelope.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::tests {

struct fake_channel : link::channel {
    explicit fake_channel(std::uint64_t of_instance, std::uint32_t lane = 1,
                          const std::string& at = "tcp://node.test:7440")
        : channel(lane, at) {
        instance = of_instance;
        node_name = "n" + std::to_string(of_instance);
        in_flight_max = 1000;
        clustered = true;
    }

    /// What was put into frames since the last look, in short: "invoke t/f #1", "cancel #0",
    /// "invoke t/f #2, lost 1". The first number is that of the attempt, the second how many nodes
    /// the call was lost with.
    [[nodiscard]] std::vector<std::string> written() {
        std::vector<std::string> all;
        wire::frame_buffer frame;
        while (out.take(frame)) {
            wire::frame_reader reader(frame.view());
            while (reader.next() == wire::read_status::envelope) {
                if (reader.kind() == wire::kind::invoke) {
                    const auto& call = reader.invoke();
                    all.push_back("invoke " + std::string(call.function) + " #" +
                                  std::to_string(link::call_table::attempt_of(call.id)));
                    if (call.losses != 0) all.back() += ", lost " + std::to_string(call.losses);
                } else if (reader.kind() == wire::kind::cancel) {
                    all.push_back("cancel #" + std::to_string(link::call_table::attempt_of(
                                                   reader.id_or_token())));
                } else if (reader.kind() == wire::kind::ping) {
                    all.emplace_back("ping");
                } else if (reader.kind() == wire::kind::pong) {
                    all.emplace_back("pong");
                }
            }
        }
        return all;
    }
};

}  // namespace dunlin::tests
