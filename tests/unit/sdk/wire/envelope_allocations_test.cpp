// SPDX-License-Identifier: Apache-2.0
//
// The path of a call allocates nothing for its envelopes.
#include "tests/support/allocations.hpp"
#include "tests/support/catch.hpp"
#include "wire/envelope.hpp"

#include <memory>
#include <string>

using namespace dunlin;
using namespace dunlin::testing;

TEST_CASE("reading a frame of calls and answers allocates nothing") {
    constexpr std::uint64_t envelopes = 200;
    const std::string payload(64, 'x');
    wire::frame_buffer frame;
    for (std::uint64_t id = 1; id <= envelopes / 2; ++id) {
        wire::invoke call;
        call.id = id;
        call.function = "bench/echo";
        call.remaining_us = 2'000'000;
        call.key = as_bytes("key");
        call.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        call.payload = as_bytes(payload);
        append(frame, call);
        append(frame, wire::reply{id, as_bytes(payload)});
    }
    const auto before = allocation_count();
    const auto another = std::make_unique<int>(2);
    const auto counted = allocation_count() - before;

    const auto first = allocation_count();
    wire::frame_reader reader(frame.view());
    std::uint64_t read = 0;
    std::size_t payload_bytes = 0;
    while (reader.next() == wire::read_status::envelope) {
        ++read;
        payload_bytes += reader.kind() == wire::kind::invoke ? reader.invoke().payload.size()
                                                             : reader.reply().payload.size();
    }
    const auto allocated = allocation_count() - first;
    CHECK(read == envelopes);
    CHECK(payload_bytes == envelopes * payload.size());
    CHECK(counted <= 1);  // 0 under a sanitizer, which keeps its own operator new
    CHECK(allocated == 0);
}
