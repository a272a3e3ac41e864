// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/bulk_frames.hpp"

#include "runtime/lane/lane.hpp"

#include <string>
#include <utility>

namespace dunlin::runtime {

void lane::read_bulk() {
    auto* from = &keeper_.next_bulky();
    auto& bulk = *from->bulk;
    now_ns_ = time_.now_ns();
    if (!bulk.begun) {
        auto next = keeper_.begin_bulk(*from);
        const auto bytes = next.message.size();
        from->late_ns = 0;
        if (bytes > options_.frame_bytes_max()) {
            refuse_oversized(*from, bytes);
        } else {
            bulk.begun.emplace(std::move(next.message), frames_, next.came_ns);
        }
    }
    if (bulk.begun) {
        // What it lay here counts against its calls, as it would in a buffer of the network.
        from->late_ns += now_ns_ - std::exchange(bulk.begun->since_ns, now_ns_);
        busy_poll_.received(bulk.begun->rest.size());
        frame_reading reading = std::move(*bulk.begun);
        bulk.begun.reset();
        const std::string routing_id = from->routing_id;
        const bool goes_on = read_slice(from, routing_id, reading, {});
        if (from == nullptr) return;  // it has said bye
        if (goes_on) from->bulk->begun.emplace(std::move(reading));
    }
    if (from->bulk->empty())
        from->bulk.reset();
    else
        keeper_.queue_bulky(*from);
}

// Frames that came behind it may begin with a new hello.
void lane::say_bye(peer& leaving) {
    const auto behind = keeper_.take_bulk(leaving);
    const std::string routing_id = leaving.routing_id;
    remove(leaving, "said bye");
    if (!behind) return;
    constexpr std::size_t counted_before = 0;
    for (auto& [frame, came_ns] : behind->later)
        take_frame(routing_id, std::move(frame), counted_before, true);
}

}  // namespace dunlin::runtime
