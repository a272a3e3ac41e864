// SPDX-License-Identifier: Apache-2.0
//
// The file descriptors of a node: how many there may be, and who gets them.
//
// Each connection takes one, each link to another node several, and modules take some that nobody
// asks for. A process that has none left cannot accept: libzmq then tries again without a pause,
// on a full core, and the links to other nodes leave nothing for clients. So the limit is raised
// as far as it goes; what it allows is shared out; and a few are kept aside to take in and end
// connections for which there is no room.
#pragma once

#include <array>
#include <cstddef>

namespace dunlin::runtime {

/// Raises the soft limit to the hard one, or to as many as any node can use. @returns the limit.
std::size_t raise_descriptor_limit();
/// How many the process has open.
[[nodiscard]] std::size_t descriptors_open();

/// Who may have how many. Pure.
struct descriptor_shares {
    std::size_t connections_max = 0;  // accepted ones of one lane
    std::size_t links_max = 0;        // of one lane
};
[[nodiscard]] descriptor_shares share_descriptors(std::size_t limit, std::size_t open,
                                                  std::size_t lanes) noexcept;

/// Descriptors that are in nobody's way until there are no others. Owned by one thread.
class spare_descriptors {
public:
    spare_descriptors() { refill(); }
    ~spare_descriptors() { release(); }
    spare_descriptors(const spare_descriptors&) = delete;
    spare_descriptors& operator=(const spare_descriptors&) = delete;

    /// For connections that wait to be accepted.
    void release() noexcept;
    /// @returns whether all could be had again.
    bool refill() noexcept;

private:
    static constexpr int none = -1;
    static constexpr std::size_t count = 8;
    std::array<int, count> kept_ = {none, none, none, none, none, none, none, none};
};

}  // namespace dunlin::runtime
