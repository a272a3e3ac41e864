// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/lane_poll.hpp"

#include "runtime/lane/turn_clock.hpp"

#include <span>

namespace dunlin::runtime {

lane_poll::lane_poll(router_socket& socket, inbox& commands, connection_keeper& keeper, links& over,
                     times awake)
    : socket_(socket),
      inbox_(commands),
      keeper_(keeper),
      links_(over),
      busy_poll_(awake.busy, awake.idle) {}

// The inbox last: from then on those who push wake the lane.
bool lane_poll::prepare_to_sleep() {
    return !socket_.has_news() && !links_.has_news() && inbox_.prepare_to_sleep();
}

void lane_poll::sleep(std::int64_t until_ns, support::awaited what) {
    items_.assign(
        {{socket_.fd(), POLLIN, 0}, {inbox_.fd(), POLLIN, 0}, {socket_.monitor_fd(), POLLIN, 0}});
    links_.add_poll_items(items_);
    busy_poll_.wait(items_, time_point_of(until_ns), what);
    inbox_.woke_up();
    quiet_ = items_[0].revents == 0;
    if (items_[2].revents != 0) keeper_.read_monitor();
    links_.polled(std::span(items_).subspan(3));
}

void lane_poll::wait_at_end(end_of what, std::int64_t for_ns) {
    items_.assign({{socket_.fd(), POLLIN, 0}});
    if (what == end_of::recall) links_.add_poll_items(items_);
    const auto ms = for_ns / 1'000'000 + 1;
    ::poll(items_.data(), items_.size(), static_cast<int>(ms));
}

}  // namespace dunlin::runtime
