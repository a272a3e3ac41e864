// SPDX-License-Identifier: Apache-2.0
#include "actors/state/ghost_table.hpp"

#include <algorithm>

namespace dunlin::actors {

void ghost_table::reserve(std::size_t entries) {
    // A quarter more than entries: eight ways fill unevenly, and what does not fit is forgotten.
    const auto wanted = (entries + entries / 4 + ways - 1) / ways;
    if (wanted <= buckets_.size()) return;

    // By halves, so that growing entry by entry moves each ghost a few times only.
    std::vector<bucket> grown(std::max(wanted, buckets_.size() + buckets_.size() / 2));
    buckets_.swap(grown);
    swept_to_ = 0;
    for (const auto& old : grown) {
        for (auto way = ways; way-- > 0;) {  // the oldest first, as they came
            if (old.fingerprints[way] != 0 && !expired(old.left_at[way]))
                put(old.fingerprints[way], old.left_at[way]);
        }
    }
}

void ghost_table::set_life(std::size_t bytes) noexcept {
    // Those that are there go on ageing, by the new measure.
    part_bytes_ = std::max<std::size_t>(bytes / life, 1);
}

void ghost_table::remember(std::uint32_t fingerprint, std::size_t bytes) noexcept {
    if (buckets_.empty()) return;
    put(std::max<std::uint32_t>(fingerprint, 1), now_);
    advance(bytes);
}

bool ghost_table::take(std::uint32_t fingerprint) noexcept {
    if (buckets_.empty()) return false;
    fingerprint = std::max<std::uint32_t>(fingerprint, 1);
    auto& in = bucket_of(fingerprint);
    for (std::size_t way = 0; way < ways; ++way) {
        if (in.fingerprints[way] != fingerprint) continue;
        in.fingerprints[way] = 0;
        return !expired(in.left_at[way]);
    }
    return false;
}

std::size_t ghost_table::count() const noexcept {
    std::size_t counted = 0;
    for (const auto& each : buckets_) {
        for (std::size_t way = 0; way < ways; ++way)
            counted += static_cast<std::size_t>(each.fingerprints[way] != 0 &&
                                                !expired(each.left_at[way]));
    }
    return counted;
}

// A bucket is a queue: the youngest first, and the last one is pushed out. Those before a free
// place, or before the place of the same key, move on by one.
void ghost_table::put(std::uint32_t fingerprint, std::uint16_t left_at) noexcept {
    auto& in = bucket_of(fingerprint);
    std::size_t to = 0;
    while (to + 1 < ways && in.fingerprints[to] != 0 && in.fingerprints[to] != fingerprint) ++to;
    for (; to > 0; --to) {
        in.fingerprints[to] = in.fingerprints[to - 1];
        in.left_at[to] = in.left_at[to - 1];
    }
    in.fingerprints[0] = fingerprint;
    in.left_at[0] = left_at;
}

void ghost_table::advance(std::size_t bytes) noexcept {
    pending_bytes_ += bytes;
    if (pending_bytes_ < part_bytes_) return;
    // Beyond a life there is nothing to age any more.
    const auto parts = std::min<std::size_t>(pending_bytes_ / part_bytes_, life + 1);
    pending_bytes_ %= part_bytes_;
    now_ = static_cast<std::uint16_t>(now_ + parts);
    sweep(parts * ((buckets_.size() + sweep_within - 1) / sweep_within));
}

// Takes out what has expired, before its age, which starts again some time, looks young.
void ghost_table::sweep(std::size_t buckets) noexcept {
    for (buckets = std::min(buckets, buckets_.size()); buckets > 0; --buckets) {
        if (swept_to_ >= buckets_.size()) swept_to_ = 0;
        auto& each = buckets_[swept_to_++];
        for (std::size_t way = 0; way < ways; ++way) {
            if (expired(each.left_at[way])) each.fingerprints[way] = 0;
        }
    }
}

}  // namespace dunlin::actors
