// SPDX-License-Identifier: Apache-2.0
//
// Why a node did what it did: its latest decisions, each with when, what from, by which rule, and
// what came of it.
//
// Who asks "why was my call refused, why are there nine of them" asks afterwards, when the load
// that it was decided from is gone. So each part that decides says it here, and `dunlin explain`
// reads it.
//
// Guarantees: bounded, the oldest record goes first; `add` allocates nothing, takes one short lock
// and no other, so it may be called with any lock held; a number names one record, and no other
// later, and numbers and times grow together. Decisions that repeat are folded: those of one series
// with the same kind and rule within a second are one record, with their count and the inputs of
// the latest. So a flood costs one record a second, and does not push out what others decided. One
// for each node; safe from any thread, outlives the pools.
#pragma once

#include "actors/limits.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dunlin::actors {

enum class decision_kind : std::uint8_t {
    start,   // of activations
    retire,  // of activations
    widen,   // over more nodes
    fold,    // ... or fewer
    refuse,  // calls, when they came
    shed,    // calls that had been taken
    set,     // what somebody asked for
    stop,    // takes no calls any more, as long as something lasts
    resume,  // ... which is over
    lose,    // what it needs, such as its store
    regain,  // ... which is there again
};

[[nodiscard]] std::string_view to_string(decision_kind kind) noexcept;

/// A figure that was decided from. The name ends with its unit if it has one: "price_ms",
/// "arrivals_per_s"; it is static, as all texts of a decision are.
struct decision_input {
    constexpr decision_input() noexcept = default;
    template <class Number>
    requires std::is_arithmetic_v<Number>
    constexpr decision_input(const char* what, Number number) noexcept
        : name(what),
          value(static_cast<double>(number)) {}

    const char* name = "";
    double value = 0;
};

/// A few of them, in their order; what is beyond `max` is left out.
class decision_inputs {
public:
    static constexpr std::size_t max = 5;

    constexpr decision_inputs() noexcept = default;
    constexpr decision_inputs(std::initializer_list<decision_input> list) noexcept {
        for (const auto& each : list)
            if (size_ < max) all_[size_++] = each;
    }
    [[nodiscard]] const decision_input* begin() const noexcept { return all_.data(); }
    [[nodiscard]] const decision_input* end() const noexcept { return all_.data() + size_; }

private:
    std::array<decision_input, max> all_{};
    std::uint8_t size_ = 0;
};

struct decision {
    decision_kind kind = decision_kind::set;
    /// Why, as the end of a sentence: "no activation was idle".
    std::string_view rule{};
    /// What is counted: "activations", "nodes", "calls", or the setting that was set.
    const char* of = "";
    /// The result. Of `refuse` and `shed`: from zero to the number of calls. Of a setting that had
    /// no value before: twice the new one.
    std::int64_t before = 0;
    std::int64_t after = 0;
    decision_inputs inputs{};
};

/// The decisions about one function. Only one that has a series can be folded, so each who decides
/// keeps one for each function. Guarded by the log that it is used with, which is always the same.
class decision_series {
public:
    explicit decision_series(std::string function)
        : function_(std::make_shared<const std::string>(std::move(function))) {}
    [[nodiscard]] const std::string& function() const noexcept { return *function_; }

private:
    friend class decision_log;
    std::shared_ptr<const std::string> function_;  // records keep it when the series is gone
    /// The latest records, so many that all kinds and rules in use at a time find theirs.
    std::array<std::uint64_t, 8> recent_{};
    std::uint8_t oldest_ = 0;
};

struct decision_record {
    std::uint64_t number = 0;  // 1 is the first of the node's life
    std::int64_t first_ns = 0;
    std::int64_t last_ns = 0;
    std::shared_ptr<const std::string> function{};
    decision what{};          // the latest, but `before` is the first one's
    std::int64_t amount = 0;  // of all together: how many started, were refused ...
    std::uint32_t count = 0;  // decisions that were folded
};

class decision_log {
public:
    /// `node` is its name, for `reference`.
    explicit decision_log(std::string node, std::size_t capacity = limits::decisions_kept);
    decision_log(const decision_log&) = delete;
    decision_log& operator=(const decision_log&) = delete;

    /// @returns the number of the record that tells of it.
    std::uint64_t add(decision_series& series, std::int64_t now_ns, const decision& what) noexcept;

    /// The series of a function that this node serves, for those who keep none. It stays as long as
    /// the log, so names that others make up do not belong here. Allocates once for each name.
    [[nodiscard]] decision_series& series_of(std::string_view function);

    /// How a person finds the record, to be put behind an error's sentence:
    /// " (dunlin explain text/count --record n1/1234)".
    [[nodiscard]] std::string reference(std::string_view function, std::uint64_t number) const;

    static constexpr std::int64_t any_time = std::numeric_limits<std::int64_t>::max();
    struct question {
        std::string_view function{};  // empty: of all
        std::size_t limit = 0;
        /// Only records that begin no later, which is how to leave out those that may still grow.
        std::int64_t until_ns = any_time;
    };
    struct page {
        std::vector<decision_record> records;  // by number
        std::uint64_t read_to = 0;             // the last record that was looked at
        std::uint64_t oldest = 0;              // that is still there
    };
    /// The last ones. What others add meanwhile may be missing.
    [[nodiscard]] page newest(const question& asked) const;
    /// The first ones after a number.
    [[nodiscard]] page after(std::uint64_t number, const question& asked) const;

    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

private:
    [[nodiscard]] std::uint64_t oldest() const noexcept {
        return last_ > capacity_ ? last_ - capacity_ + 1 : 1;
    }
    [[nodiscard]] std::size_t place_of(std::uint64_t number) const noexcept {
        return static_cast<std::size_t>((number - 1) % capacity_);
    }
    [[nodiscard]] decision_record* find(std::uint64_t number) noexcept {
        return number == 0 || number < oldest() ? nullptr : &ring_[place_of(number)];
    }

    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };

    const std::string node_;
    const std::size_t capacity_;
    mutable std::mutex mutex_;
    std::vector<decision_record> ring_;  // its memory is there from the beginning
    std::uint64_t last_ = 0;
    std::int64_t last_ns_ = std::numeric_limits<std::int64_t>::min();

    std::mutex series_mutex_;
    std::unordered_map<std::string, decision_series, hash, std::equal_to<>> series_;
};

}  // namespace dunlin::actors
