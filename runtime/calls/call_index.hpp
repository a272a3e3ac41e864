// SPDX-License-Identifier: Apache-2.0
//
// The settled calls of one peer by the ids that the peer chose, for its cancels.
//
// A hash table with chains that go through the entries of the ledger themselves (an intrusive one),
// so that a call which outlives its turn costs no allocation; only the buckets grow. Ids come from
// strangers: they are mixed with a seed of this process, so that nobody can put all into one chain.
// Owned by a `caller`; one thread.
#pragma once

#include "cluster/random.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace dunlin::runtime {

/// `Entry` has a `call_id` and a pointer `next_of_caller`, which is the index's.
template <class Entry>
class call_index {
public:
    /// @returns false if another call has the id.
    [[nodiscard]] bool insert(Entry& entry) {
        if (size_ == buckets_.size()) grow();
        auto*& head = bucket(entry.call_id);
        for (const auto* each = head; each != nullptr; each = each->next_of_caller)
            if (each->call_id == entry.call_id) return false;
        entry.next_of_caller = std::exchange(head, &entry);
        ++size_;
        return true;
    }
    [[nodiscard]] Entry* find(std::uint64_t call_id) noexcept {
        if (size_ == 0) return nullptr;
        auto* each = bucket(call_id);
        while (each != nullptr && each->call_id != call_id) each = each->next_of_caller;
        return each;
    }
    /// Does nothing with a call that is not in it: another one may have its id.
    void erase(Entry& entry) noexcept {
        if (size_ == 0) return;
        for (auto** link = &bucket(entry.call_id); *link != nullptr;
             link = &(*link)->next_of_caller) {
            if (*link != &entry) continue;
            *link = std::exchange(entry.next_of_caller, nullptr);
            --size_;
            return;
        }
    }
    /// Takes all out. In no order.
    [[nodiscard]] std::vector<Entry*> take_all() {
        std::vector<Entry*> all;
        all.reserve(size_);
        for (auto* head : std::exchange(buckets_, {}))
            while (head != nullptr) {
                all.push_back(head);
                head = std::exchange(head->next_of_caller, nullptr);
            }
        size_ = 0;
        return all;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    static constexpr std::size_t buckets_min = 16;

    [[nodiscard]] static std::uint64_t seed() {
        static const std::uint64_t of_process =
            std::uint64_t{std::random_device()()} << 32 | std::random_device()();
        return of_process;
    }
    [[nodiscard]] Entry*& bucket(std::uint64_t call_id) noexcept {
        return buckets_[cluster::mix(call_id ^ seed_) & (buckets_.size() - 1)];
    }
    void grow() {
        const auto wanted = buckets_.empty() ? buckets_min : buckets_.size() * 2;
        const auto all = take_all();
        buckets_.assign(wanted, nullptr);
        for (auto* each : all) {
            each->next_of_caller = std::exchange(bucket(each->call_id), each);
            ++size_;
        }
    }

    std::vector<Entry*> buckets_;  // a power of two, or none
    std::size_t size_ = 0;
    std::uint64_t seed_ = seed();
};

}  // namespace dunlin::runtime
