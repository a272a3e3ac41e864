// SPDX-License-Identifier: Apache-2.0
//
// Envelopes that wait to be sent on one connection, gathered into frames.
//
// Calls are encoded straight into the open frame, so calls that are started together leave
// together. The open frame leaves as soon as the thread that drives looks for it; it is cut
// earlier when it is long enough that the node should start on it while more calls are being
// encoded. Memory of frames that were copied on sending is used again.
//
// Guarded by the driver's mutex.
#pragma once

#include "wire/envelope.hpp"
#include "wire/frame_buffer.hpp"

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace dunlin::link {

class outbox {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// A frame is cut when it has grown to one of these. Cutting earlier costs more than it saves,
    /// for every frame wakes threads on its way ...
    static constexpr std::size_t frame_bytes_cut = 64u << 10;
    static constexpr std::size_t frame_envelopes_cut = 256;
    /// ... unless there are bytes enough that moving them is what takes time: then half of what is
    /// in flight goes ahead, so that two frames are on the way.
    static constexpr std::size_t half_bytes_min = 16u << 10;

    /// Before a call is written: what is written from here on was sent now. A frame that stays open
    /// while others hold up its leader says so again.
    void date(time_point now) {
        if (now - dated_at_ < wire::sent_every && !open_.empty()) return;
        dated_at_ = now;
        wire::append(open_, wire::sent_at(now));
    }

    /// Where the next envelope is written. A writer that gives it up shrinks the frame again.
    [[nodiscard]] wire::frame_buffer& open() noexcept { return open_; }

    /// One envelope was appended to `open()`. @returns whether that cut the frame.
    bool appended(std::size_t in_flight) {
        ++envelopes_;
        const bool full = open_.size >= frame_bytes_cut || envelopes_ >= frame_envelopes_cut;
        const bool half = open_.size >= half_bytes_min && envelopes_ >= in_flight / 2;
        if (full || half) cut();
        return full || half;
    }

    [[nodiscard]] bool empty() const noexcept { return open_.empty() && !has_cut(); }
    [[nodiscard]] bool has_cut() const noexcept { return !cut_.empty(); }

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
        begin();
        return true;
    }

    /// A frame that could not be sent after all; it is the oldest again.
    void put_back(wire::frame_buffer&& frame) {
        cut_.insert(cut_.begin() + static_cast<std::ptrdiff_t>(cut_begin_), std::move(frame));
    }

    /// Memory that can be used again, unless it is so large that it should rather be freed.
    void give_back(wire::frame_buffer&& used) noexcept {
        if (used.capacity > 2 * frame_bytes_cut) return;
        if (used.capacity > spare_.capacity) spare_ = std::move(used);
    }

private:
    static constexpr time_point undated{};

    void cut() {
        cut_.push_back(std::move(open_));
        open_ = std::move(spare_);
        begin();
    }
    void begin() noexcept {
        open_.clear();
        envelopes_ = 0;
        dated_at_ = undated;
    }

    wire::frame_buffer open_;
    std::size_t envelopes_ = 0;
    time_point dated_at_ = undated;
    std::vector<wire::frame_buffer> cut_;  // emptied when the last is taken
    std::size_t cut_begin_ = 0;
    wire::frame_buffer spare_;
};

}  // namespace dunlin::link
