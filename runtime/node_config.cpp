// SPDX-License-Identifier: Apache-2.0
#include "runtime/node_config.hpp"

#include "wire/envelope.hpp"

#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>

namespace dunlin::runtime {

std::size_t cores() noexcept { return std::max(1u, std::thread::hardware_concurrency()); }

namespace {

/// Larger than those of earlier starts, and unique: milliseconds since 1970, and chance.
std::uint64_t new_instance() {
    using namespace std::chrono;
    const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    return static_cast<std::uint64_t>(now) << 20 | (std::random_device()() & 0xf'ffffu);
}

std::string default_name() {
    char host[256] = {};
    if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
    return std::string(host[0] == '\0' ? "node" : host) + "-" + std::to_string(::getpid());
}

}  // namespace

void fill_in_defaults(node_config& config) {
    // One that is made up is another one at the next start.
    config.state.node = config.name;
    if (config.name.empty()) config.name = default_name();
    if (config.instance == 0) config.instance = new_instance();
    if (config.lanes == 0) config.lanes = std::max<std::size_t>(1, cores() / 4);
    if (config.scheduler_threads == 0) config.scheduler_threads = std::max<std::size_t>(4, cores());
    // A connection may always have its largest answer waiting.
    config.backlog_bytes_max =
        std::max(config.backlog_bytes_max, wire::frame_bytes_max(config.payload_bytes_max));
    // The largest frame alone is never too much, with what the node takes to keep it.
    constexpr std::size_t kept_with_it = std::size_t{4} << 10;
    const auto largest = wire::frame_bytes_max(config.payload_bytes_max) + kept_with_it;
    config.queue_bytes_max = std::max(config.queue_bytes_max, largest);
    // Replies are part of that, and those who read none leave the half of it to others.
    config.replies_bytes_max = std::max(
        std::min(config.replies_bytes_max, config.queue_bytes_max / 2), std::size_t{largest});
}

}  // namespace dunlin::runtime
