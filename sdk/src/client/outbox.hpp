// SPDX-License-Identifier: Apache-2.0
//
// Envelopes that wait to be sent on one connection, gathered into frames.
//
// Calls are encoded straight into the open frame, so calls that are started together leave
// together. The open frame leaves as soon as whoever drives the sockets looks for it; it is cut
// earlier when it is long enough that the node should start on it while more calls are being
// encoded. Memory of frames that were copied on sending is used again.
//
// Guarded by the driver's mutex.
#pragma once

#include "wire/frame_buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace dunlin::link {

class outbox {
public:
    /// A frame is cut when it has grown to this, however few envelopes it holds.
    static constexpr std::size_t frame_bytes_cut = 64u << 10;
    /// Bounds for cutting by number. Waking threads costs more than what they do for a call, so
    /// few calls travel in one frame; of many, the first should be on their way while the last
    /// are encoded. Half of what is in flight keeps two frames on the way. Measured: at 64 in
    /// flight frames of 32 do a little better than 16 or 64; at 512 those of 128 to 256 are best.
    static constexpr std::size_t envelopes_cut_min = 16;
    static constexpr std::size_t envelopes_cut_max = 256;

    [[nodiscard]] static constexpr std::size_t envelopes_cut(std::size_t in_flight) noexcept {
        return std::clamp(in_flight / 2, envelopes_cut_min, envelopes_cut_max);
    }

    /// Where the next envelope is written. Whoever gives it up shrinks the frame again.
    [[nodiscard]] wire::frame_buffer& open() noexcept { return open_; }

    /// One envelope was appended to `open()`. @returns whether that cut the frame.
    bool appended(std::size_t in_flight) {
        ++envelopes_;
        if (open_.size < frame_bytes_cut && envelopes_ < envelopes_cut(in_flight)) return false;
        cut();
        return true;
    }

    [[nodiscard]] bool empty() const noexcept { return open_.empty() && !has_cut(); }
    [[nodiscard]] bool has_cut() const noexcept { return cut_begin_ != cut_.size(); }

    /// The oldest frame that was cut.
    bool take_cut(wire::frame_buffer& frame) noexcept {
        if (!has_cut()) return false;
        frame = std::move(cut_[cut_begin_]);
        if (++cut_begin_ == cut_.size()) {
            cut_.clear();
            cut_begin_ = 0;
        }
        return true;
    }

    /// The oldest frame, even if it is still open.
    bool take(wire::frame_buffer& frame) noexcept {
        if (take_cut(frame)) return true;
        if (open_.empty()) return false;
        frame = std::exchange(open_, std::move(spare_));
        open_.clear();
        envelopes_ = 0;
        return true;
    }

    /// Memory that can be used again, unless it is so large that it should rather be freed.
    void give_back(wire::frame_buffer&& used) noexcept {
        if (used.capacity > 2 * frame_bytes_cut) return;
        if (used.capacity > spare_.capacity) spare_ = std::move(used);
    }

private:
    void cut() {
        cut_.push_back(std::move(open_));
        open_ = std::move(spare_);
        open_.clear();
        envelopes_ = 0;
    }

    wire::frame_buffer open_;
    std::size_t envelopes_ = 0;
    std::vector<wire::frame_buffer> cut_;
    std::size_t cut_begin_ = 0;
    wire::frame_buffer spare_;
};

}  // namespace dunlin::link
