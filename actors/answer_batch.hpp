// SPDX-License-Identifier: Apache-2.0
//
// Answers that go to one port together, in the order of their calls.
//
// Replies that waited for a store leave many at a time, most of them a few bytes long: they travel
// in two pieces of memory, and wake their lane once. Plain data.
#pragma once

#include "actors/invocation.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

namespace dunlin::actors {

class answer_batch {
public:
    void add(answer_address to, bytes_view payload) {
        answers_.push_back({to, static_cast<std::uint32_t>(payloads_.size()),
                            static_cast<std::uint32_t>(payload.size()), false});
        payloads_.insert(payloads_.end(), payload.begin(), payload.end());
    }
    void add(answer_address to, error why) {
        answers_.push_back({to, static_cast<std::uint32_t>(errors_.size()), 0, true});
        errors_.push_back(std::move(why));
    }
    /// What others hold, behind its own.
    void append(const answer_batch& others) {
        const auto payloads = static_cast<std::uint32_t>(payloads_.size());
        const auto errors = static_cast<std::uint32_t>(errors_.size());
        for (auto each : others.answers_) {
            each.begin += each.failed ? errors : payloads;
            answers_.push_back(each);
        }
        payloads_.insert(payloads_.end(), others.payloads_.begin(), others.payloads_.end());
        errors_.insert(errors_.end(), others.errors_.begin(), others.errors_.end());
    }
    void clear() noexcept {
        answers_.clear();
        payloads_.clear();
        errors_.clear();
    }
    [[nodiscard]] bool empty() const noexcept { return answers_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return answers_.size(); }

    /// `value(address, payload)` or `failure(address, error)` for each, in order.
    template <class Value, class Failure>
    void for_each(Value&& value, Failure&& failure) const {
        for (const auto& each : answers_) {
            if (each.failed)
                failure(each.to, errors_[each.begin]);
            else
                value(each.to, bytes_view(payloads_).subspan(each.begin, each.size));
        }
    }

private:
    struct answer {
        answer_address to;
        std::uint32_t begin;  // among the payloads, or the errors
        std::uint32_t size;
        bool failed;
    };
    std::vector<answer> answers_;
    std::vector<std::byte> payloads_;
    std::vector<error> errors_;
};

}  // namespace dunlin::actors
