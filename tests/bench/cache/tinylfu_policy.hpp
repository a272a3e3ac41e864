// SPDX-License-Identifier: Apache-2.0
//
// W-TinyLFU (Einziger, Friedman and Manes, ACM TOS 2017) with a window of fixed size: to be
// measured beside `actors::replacement_policy`, whose operations it has.
//
// New entries go through a small LRU window. What leaves it takes the place of the main part's next
// victim if its key has been used more often, as far as a sketch of counters knows, which forgets
// half of everything now and then. The main part is an LRU of two segments: used again, or not yet.
#pragma once

#include "actors/state/slot_queue.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::bench {

/// How often keys were used lately, about: a count-min sketch of counters up to 15.
class use_sketch {
public:
    explicit use_sketch(std::size_t entries)
        : width_(std::bit_ceil(std::max<std::size_t>(entries, 64))),
          counters_(width_ * rows),
          uses_max_(10 * entries) {}

    void add(std::uint32_t fingerprint) noexcept {
        for (std::size_t row = 0; row < rows; ++row) {
            auto& counter = counters_[place(fingerprint, row)];
            if (counter < 15) ++counter;
        }
        if (++uses_ < uses_max_) return;
        for (auto& counter : counters_) counter /= 2;
        uses_ /= 2;
    }
    [[nodiscard]] unsigned uses(std::uint32_t fingerprint) const noexcept {
        unsigned least = 15;
        for (std::size_t row = 0; row < rows; ++row)
            least = std::min<unsigned>(least, counters_[place(fingerprint, row)]);
        return least;
    }
    [[nodiscard]] std::size_t memory_bytes() const { return counters_.size(); }

private:
    static constexpr std::size_t rows = 4;

    [[nodiscard]] std::size_t place(std::uint32_t fingerprint, std::size_t row) const noexcept {
        static constexpr std::array<std::uint64_t, rows> seeds{
            0x9E3779B97F4A7C15ULL, 0xC2B2AE3D27D4EB4FULL, 0xD6E8FEB86659FD93ULL,
            0xA0761D6478BD642FULL};
        return row * width_ + ((((fingerprint + row) * seeds.at(row)) >> 32) & (width_ - 1));
    }

    std::size_t width_;
    std::vector<std::uint8_t> counters_;
    std::size_t uses_ = 0;
    std::size_t uses_max_;
};

class tinylfu_policy {
public:
    /// `entries`: that fit, about.
    tinylfu_policy(std::size_t budget_bytes, std::size_t entries)
        : budget_bytes_(budget_bytes),
          sketch_(entries) {}

    void insert(actors::cache_slot slot, std::uint64_t key_hash, std::size_t bytes) {
        nodes_.reach(slot);
        auto& node = nodes_[slot];
        node = {};
        node.bytes = actors::node_bytes(bytes);
        node.fingerprint = static_cast<std::uint32_t>(key_hash >> 32);
        sketch_.add(node.fingerprint);
        window_.push(nodes_, slot);
        // While there is room, nobody has to leave for what comes out of the window.
        while (window_.bytes() > budget_bytes_ / 100 && this->bytes() <= budget_bytes_ &&
               window_.size() > 1)
            move(window_, probation_, window_.oldest());
    }
    void touched(actors::cache_slot slot) noexcept {
        sketch_.add(nodes_[slot].fingerprint);
        if (nodes_[slot].queue == window_.name()) return window_.renew(nodes_, slot);
        if (nodes_[slot].queue == protected_.name()) return protected_.renew(nodes_, slot);
        move(probation_, protected_, slot);
        while (protected_.bytes() > budget_bytes_ / 100 * 79)
            move(protected_, probation_, protected_.oldest());
    }

    template <std::predicate<actors::cache_slot> IsPinned>
    [[nodiscard]] actors::cache_slot victim(IsPinned&& is_pinned) {
        const auto rival = first_free(probation_.empty() ? protected_ : probation_, is_pinned);
        if (window_.bytes() <= budget_bytes_ / 100 && rival != actors::no_slot) return leave(rival);
        const auto candidate = first_free(window_, is_pinned);
        if (candidate == actors::no_slot || rival == actors::no_slot)
            return leave(candidate == actors::no_slot ? rival : candidate);
        if (sketch_.uses(nodes_[candidate].fingerprint) <= sketch_.uses(nodes_[rival].fingerprint))
            return leave(candidate);
        move(window_, probation_, candidate);
        return leave(rival);
    }

    [[nodiscard]] std::size_t bytes() const {
        return window_.bytes() + probation_.bytes() + protected_.bytes();
    }
    [[nodiscard]] std::size_t budget_bytes() const { return budget_bytes_; }
    [[nodiscard]] std::size_t memory_bytes() const {
        return nodes_.memory_bytes() + sketch_.memory_bytes();
    }

private:
    template <class IsPinned>
    actors::cache_slot first_free(actors::slot_queue& in, IsPinned& is_pinned) {
        for (auto looks = in.size(); looks > 0; --looks) {
            const auto slot = in.oldest();
            if (!is_pinned(slot)) return slot;
            in.renew(nodes_, slot);
        }
        return actors::no_slot;
    }
    void move(actors::slot_queue& from, actors::slot_queue& to, actors::cache_slot slot) noexcept {
        from.remove(nodes_, slot);
        to.push(nodes_, slot);
    }
    actors::cache_slot leave(actors::cache_slot slot) noexcept {
        if (slot == actors::no_slot) return slot;
        const auto queue = nodes_[slot].queue;
        (queue == window_.name()      ? window_
         : queue == probation_.name() ? probation_
                                      : protected_)
            .remove(nodes_, slot);
        return slot;
    }

    std::size_t budget_bytes_;
    actors::slot_nodes nodes_;
    actors::slot_queue window_{1};
    actors::slot_queue probation_{2};
    actors::slot_queue protected_{3};
    use_sketch sketch_;
};

}  // namespace dunlin::bench
