// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/bulk_frames.hpp"

#include "runtime/lane/lane.hpp"

#include <string>
#include <utility>

namespace dunlin::runtime {

void lane::put_off(peer& from, zmq::message_t frame) {
    if (!from.bulk) {
        from.bulk = std::make_unique<bulk_frames>();
        bulky_.push_back(&from);
    }
    from.heard_ns = time_.now_ns();
    auto& added =
        from.bulk->later.emplace_back(bulk_frames::frame{std::move(frame), from.heard_ns});
    if (from.connection != nullptr) {
        connections_.put_off(*from.connection, added.weight());
        publish_unread();
        // Some gigabytes may come until the next look at the connections.
        if (frames_.unread_too_much(0)) connections_due_ns_ = now_ns_;
    }
}

std::unique_ptr<bulk_frames> lane::take_bulk(peer& of) {
    if (!of.bulk) return nullptr;
    std::erase(bulky_, &of);
    if (of.connection != nullptr)
        for (const auto& each : of.bulk->later) connections_.begun(*of.connection, each.weight());
    return std::move(of.bulk);
}

void lane::read_bulk() {
    auto* from = bulky_.front();
    bulky_.pop_front();
    auto& bulk = *from->bulk;
    now_ns_ = time_.now_ns();
    if (!bulk.begun) {
        auto next = std::move(bulk.later.front());
        bulk.later.pop_front();
        const auto bytes = next.message.size();
        if (from->connection != nullptr) {
            connections_.begun(*from->connection, next.weight());
            publish_unread();
        }
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
        bulky_.push_back(from);
}

// Frames that came behind it may begin with a new hello.
void lane::say_bye(peer& leaving) {
    const auto behind = take_bulk(leaving);
    const std::string routing_id = leaving.routing_id;
    remove(leaving, "said bye");
    if (!behind) return;
    constexpr std::size_t counted_before = 0;
    for (auto& [frame, came_ns] : behind->later)
        take_frame(routing_id, std::move(frame), counted_before, true);
}

}  // namespace dunlin::runtime
