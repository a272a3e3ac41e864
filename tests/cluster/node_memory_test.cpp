// SPDX-License-Identifier: Apache-2.0
//
// Callers beside each other in a node's memory: one that fills it leaves the others theirs.
#include "tests/cluster/node_harness.hpp"
#include "tests/cluster/raw_client.hpp"
#include "tests/support/zmtp_peer.hpp"
#include "wire/envelope.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;
/// What stays resident although it was freed: the address sanitizer's quarantine, with its margins;
/// and what the thread sanitizer notes about memory.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t freed_kept = 320 * mib;
#elif defined(__SANITIZE_THREAD__)
constexpr std::size_t freed_kept = 64 * mib;
#else
constexpr std::size_t freed_kept = 0;
#endif

/// Of this process, in which the node runs.
std::size_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::size_t all = 0;
    std::size_t resident = 0;
    file >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::string frame_text(const wire::frame_buffer& frame) {
    return {reinterpret_cast<const char*>(frame.data), frame.size};
}

std::string hello_frame() {
    wire::frame_buffer frame;
    append(frame, wire::hello{.name = "heavy"});
    return frame_text(frame);
}

/// A call without a deadline that does not end by itself.
std::string heavy_call(bytes_view payload, std::uint64_t id) {
    wire::invoke call;
    call.id = id;
    call.function = "faults/nap_until_stopped";
    call.payload = payload;
    wire::frame_buffer frame;
    append(frame, call);
    return frame_text(frame);
}

}  // namespace

TEST_CASE("a caller that fills the node with large payloads is refused, one beside it is not") {
    auto config = node_settings();
    config.payload_bytes_max = mib;
    config.queue_bytes_max = 64 * mib;
    const auto node = start_node(config);
    raw_client polite(node->endpoints().front());
    CHECK(polite.stats().at("bytes_held_max") == config.queue_bytes_max);
    const auto payload = encode(std::string(mib - 1024, 'h'));
    const std::string small(4096, 's');
    zmtp_peer heavy(node->endpoints().front());
    REQUIRE(heavy.send_frame(hello_frame()));

    const auto resident_before = resident_bytes();
    std::size_t resident_most = 0;
    std::uint64_t held_most = 0;
    constexpr std::uint64_t heavy_calls = 300;
    for (std::uint64_t id = 1; id <= heavy_calls; ++id) {
        REQUIRE(heavy.send_frame(heavy_call(payload.view(), id)));
        const auto& answer = polite.call("bench/echo", small);
        INFO(answer.text());
        REQUIRE(answer.ok);
        if (id % 10 != 0) continue;
        resident_most = std::max(resident_most, resident_bytes());
        held_most = std::max<std::uint64_t>(held_most, polite.stats().at("bytes_held"));
    }
    // It has most of the budget, and not all.
    polite.wait_for_stat("failures_sent", [](auto refused) { return refused > 200; });
    const auto kept = polite.stats().at("frame_bytes_held").get<std::uint64_t>();
    CHECK(kept > 45 * mib);
    CHECK(kept < 52 * mib);
    // Frames that were not read count, and may be half as much on top.
    CHECK(held_most < (64 + 32) * mib);
    // The rest is what the function copies of the calls that run, and the allocator's.
    CHECK(resident_most < resident_before + (64 + 32 + 32) * mib + freed_kept);
    // A newcomer has room for calls as large.
    raw_client newcomer(node->endpoints().front());
    CHECK(newcomer.call("bench/echo", std::string(mib / 2, 'n')).ok);
    CHECK(polite.call("bench/echo", small).ok);

    heavy.reset();
    polite.wait_for_stat("frame_bytes_held", [](auto held) { return held < mib; });
}
