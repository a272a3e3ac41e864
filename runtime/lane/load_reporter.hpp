// SPDX-License-Identifier: Apache-2.0
//
// What a lane's replies tell its peers of the load of the functions they call.
//
// A peer that asked for the cluster chooses among nodes by how long calls wait there. It hears that
// with the answers, in the frame that goes to it anyway, once a frame for each function it has
// called. Functions are named by their place in the catalog that the peer was told. A node that is
// alone tells nothing: there is no choice. Part of a lane; one thread.
#pragma once

#include "actors/pool.hpp"
#include "runtime/lane/peer.hpp"
#include "wire/envelope.hpp"
#include "wire/frame_buffer.hpp"

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace dunlin::runtime {

class load_reporter {
public:
    /// A report of one function's load, at its longest.
    static constexpr std::size_t report_bytes_max = 1 + 1 + 1 + 1 + 5 + 9 + 9 + 5 + 5 + 5 + 5;

    /// `now_ns` is the lane's time.
    explicit load_reporter(const std::int64_t& now_ns) : now_ns_(now_ns) {}

    /// Before the lane serves.
    void use_catalog(std::vector<actors::pool*> pools);
    [[nodiscard]] const std::vector<actors::pool*>& catalog() const noexcept { return catalog_; }
    /// Whether other nodes are there.
    void set_alone(bool alone) noexcept { alone_ = alone; }

    /// The peer's next frame has an answer of this function; null: of none.
    void note(peer& to, const actors::pool* pool);
    /// Appends what is due to the peer's frame.
    void tell(peer& to);
    /// Appends what is due of this one function to `in`.
    void tell_one(peer& to, const actors::pool* pool, wire::frame_buffer& in);

private:
    [[nodiscard]] wire::load_item load_at(std::uint32_t place, const peer& to) const;

    const std::int64_t& now_ns_;
    std::vector<actors::pool*> catalog_;
    std::unordered_map<const actors::pool*, std::uint32_t> places_;
    bool alone_ = true;
};

}  // namespace dunlin::runtime
