// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/descriptors.hpp"

#include "runtime/log.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace dunlin::runtime {

namespace {

/// More than any node has use for; where the hard limit is a billion, tables of that size cost.
constexpr std::size_t limit_wanted = std::size_t{1} << 20;
/// A link's own connection, its socket's signal, and both ends of its monitor.
constexpr std::size_t descriptors_per_link = 4;

}  // namespace

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    const auto before = limit.rlim_cur;
    const auto wanted = std::min<rlim_t>(limit.rlim_max, limit_wanted);
    if (before >= wanted) return static_cast<std::size_t>(before);
    limit.rlim_cur = wanted;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        log().debug("the limit of file descriptors stays as it is",
                    {{"why", std::strerror(errno)}});
        return static_cast<std::size_t>(before);
    }
    log().debug("limit of file descriptors raised", {{"from", before}, {"to", wanted}});
    return static_cast<std::size_t>(wanted);
}

std::size_t descriptors_open() {
    std::error_code failed;
    std::size_t open = 0;
    for (std::filesystem::directory_iterator each("/proc/self/fd", failed), end;
         !failed && each != end; each.increment(failed))
        ++open;
    return open;
}

descriptor_shares share_descriptors(std::size_t limit, std::size_t open,
                                    std::size_t lanes) noexcept {
    constexpr std::size_t modules_min = 16;
    constexpr std::size_t modules_max = 4096;
    constexpr std::size_t connections_min = 4;
    const auto modules = std::clamp(limit / 8, modules_min, modules_max);
    const auto taken = open + modules;
    const auto free = limit > taken ? limit - taken : 0;
    descriptor_shares shares;
    // A quarter for links; what they do not need stays unused, so that neither can starve the
    // other.
    shares.links_max = std::max<std::size_t>(1, free / 4 / descriptors_per_link / lanes);
    const auto links = shares.links_max * descriptors_per_link * lanes;
    shares.connections_max = std::max(connections_min, (free > links ? free - links : 0) / lanes);
    return shares;
}

void spare_descriptors::release() noexcept {
    for (auto& each : kept_)
        if (each != none) ::close(std::exchange(each, none));
}

bool spare_descriptors::refill() noexcept {
    for (auto& each : kept_) {
        if (each == none) each = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (each == none) return false;
    }
    return true;
}

}  // namespace dunlin::runtime
