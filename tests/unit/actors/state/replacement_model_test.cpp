// SPDX-License-Identifier: Apache-2.0
//
// Random lives of a cache beside a list of what is in it.
#include "actors/state/replacement_policy.hpp"
#include "tests/bench/cache/replay.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace dunlin::actors;
using dunlin::bench::hash_of_key;

namespace {

/// What is in the cache, as plainly as it can be said.
class modelled_cache {
public:
    modelled_cache(std::uint64_t seed, const replacement_tuning& tuning)
        : random_(seed),
          policy_(budget(), tuning) {}

    void step() {
        switch (below(16)) {
            case 0:
            case 1:
            case 2:
            case 3: insert(); break;
            case 4: resize(); break;
            case 5: erase(); break;
            case 6: pin(); break;
            case 7: unpin(); break;
            case 8:
                if (below(50) == 0) policy_.set_budget(budget());
                break;
            case 9:
                // Now and then nearly all are in a turn, and then none is any more.
                if (below(50) == 0) pin_all(below(2) == 0);
                break;
            default: touch();
        }
        make_room();
        check();
    }
    void empty() {
        pin_all(false);
        policy_.set_budget(0);
        make_room();
        must(policy_.bytes() == 0, "some bytes are left");
        // What has no bytes is never too much, and leaves when it is asked for.
        while (count_ > 0) {
            const auto slot = policy_.victim([](cache_slot) { return false; });
            must(slot != no_slot && entries_.at(slot).there, "threw out nothing that is there");
            gone(slot);
        }
        check();
    }

private:
    struct entry {
        std::size_t bytes = 0;
        bool there = false;
        bool pinned = false;
    };

    static void must(bool holds, const char* otherwise) {
        if (!holds) FAIL(otherwise);
    }
    std::size_t below(std::size_t limit) { return random_() % limit; }
    std::size_t budget() { return below(40) == 0 ? 0 : 1 + below(200'000); }
    // Mostly small, some large, a few larger than the cache.
    std::size_t bytes() {
        return below(20) == 0 ? below(100'000) : below(500) == 0 ? 1'000'000 : below(2'000);
    }
    std::optional<cache_slot> any() {
        if (count_ == 0) return {};
        for (;;) {
            const auto slot = below(entries_.size());
            if (entries_[slot].there) return static_cast<cache_slot>(slot);
        }
    }

    void insert() {
        if (free_.empty()) {
            free_.push_back(static_cast<cache_slot>(entries_.size()));
            entries_.emplace_back();
        }
        const auto slot = free_.back();
        free_.pop_back();
        must(!policy_.holds(slot), "a slot that is free is held");
        entries_[slot] = {bytes(), true, below(4) == 0};
        policy_.insert(slot, hash_of_key(static_cast<std::uint32_t>(below(3'000))),
                       entries_[slot].bytes);
        sum_ += entries_[slot].bytes;
        most_ = std::max(most_, ++count_);
    }
    void touch() {
        if (const auto slot = any()) policy_.touched(*slot);
    }
    void resize() {
        if (const auto slot = any()) {
            sum_ -= entries_[*slot].bytes;
            entries_[*slot].bytes = bytes();
            sum_ += entries_[*slot].bytes;
            policy_.resized(*slot, entries_[*slot].bytes);
        }
    }
    void erase() {
        if (const auto slot = any()) {
            policy_.erased(*slot);
            gone(*slot);
        }
    }
    void pin() {
        if (const auto slot = any()) entries_[*slot].pinned = true;
    }
    void unpin() {
        if (const auto slot = any()) entries_[*slot].pinned = false;
    }
    void pin_all(bool pinned) {
        for (auto& each : entries_) each.pinned = pinned;
    }
    void gone(cache_slot slot) {
        sum_ -= entries_[slot].bytes;
        --count_;
        entries_[slot] = {};
        free_.push_back(slot);
    }

    void make_room() {
        std::size_t in_vain = 0;
        while (policy_.over_budget()) {
            std::size_t looks = 0;
            const auto slot = policy_.victim([&](cache_slot each) {
                ++looks;
                must(entries_.at(each).there, "looked at what is not there");
                return entries_[each].pinned;
            });
            must(looks <= replacement_policy::looks_max, "looked at too many");
            if (slot == no_slot) {
                // Those that are not pinned are found by asking on, and soon.
                if (all_are_pinned()) return;
                must(++in_vain <= 2 * count_ / replacement_policy::looks_max + 2,
                     "found none of those that are not pinned");
                continue;
            }
            must(entries_.at(slot).there, "threw out what is not there");
            must(!entries_[slot].pinned, "threw out what is pinned");
            gone(slot);
            in_vain = 0;
        }
    }
    bool all_are_pinned() const {
        return std::all_of(entries_.begin(), entries_.end(),
                           [](const entry& each) { return !each.there || each.pinned; });
    }

    void check() {
        must(policy_.bytes() == sum_, "bytes do not add up");
        must(policy_.size() == count_, "entries do not add up");
        if (below(64) != 0) return;
        for (cache_slot slot = 0; slot < entries_.size(); ++slot)
            must(policy_.holds(slot) == entries_[slot].there, "holds other slots");
        must(policy_.ghosts().count() <= policy_.ghosts().capacity(), "more ghosts than places");
        must(policy_.ghosts().capacity() <= 2 * most_ + 16, "more ghosts than entries");
    }

    std::mt19937_64 random_;
    replacement_policy policy_;
    std::vector<entry> entries_;  // by slot
    std::vector<cache_slot> free_;
    std::size_t sum_ = 0;
    std::size_t count_ = 0;
    std::size_t most_ = 0;
};

void live(const replacement_tuning& tuning) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        INFO("seed " << seed);
        modelled_cache cache(seed, tuning);
        for (int steps = 0; steps < 5'000; ++steps) cache.step();
        cache.empty();
    }
}

}  // namespace

TEST_CASE("a replacement policy loses no entry, throws out none that is pinned, and adds up") {
    SECTION("as it is used") { live({}); }
    SECTION("as S3-FIFO is published") {
        live({.ghost_share = 0.9,
              .small_window = 0,
              .main_window = 0,
              .promote_at = 2,
              .uses_max = 3});
    }
}
