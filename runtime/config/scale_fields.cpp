// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/scale_fields.hpp"

#include "actors/limits.hpp"
#include "runtime/text/choices.hpp"
#include "runtime/text/quantity.hpp"
#include "runtime/text/suggest.hpp"

#include <dunlin/scaling.hpp>

#include <array>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

namespace dunlin::runtime {
namespace {

using std::chrono::microseconds;

// Authors are told these limits by the SDK, which does not see ours.
static_assert(scaling::activations_max == actors::limits::activations_max);
static_assert(static_cast<int>(priority::low) == static_cast<int>(actors::function_priority::low));
static_assert(static_cast<int>(priority::high) ==
              static_cast<int>(actors::function_priority::high));

// In the order of `scale_field`, of the help and of what is shown.
constexpr std::array<scale_row, scale_field_count> rows{{
    {scale_field::min, "min", "min", "--min", "COUNT",
     "Actors of the function that stay, however quiet it is.", scale_kind::count, 0,
     scaling::activations_max},
    {scale_field::max, "max", "max", "--max", "COUNT", "Actors at most, and so many calls at once.",
     scale_kind::count, 1, scaling::activations_max},
    {scale_field::target_wait, "target_wait", "target_wait_us", "--target-wait", "DURATION",
     "Calls should wait no longer than this before they start.", scale_kind::duration,
     scaling::target_wait_min.count(), scaling::target_wait_max.count()},
    {scale_field::idle, "idle", "idle_us", "--idle", "DURATION",
     "An actor without work stays at least so long.", scale_kind::duration, 0,
     scaling::idle_max.count()},
    {scale_field::priority, "priority", "priority", "--priority", "low|normal|high",
     "Whose calls go first when a node has more to do than time.", scale_kind::choice, 1, 3},
    {scale_field::weight, "weight", "weight", "--weight", "COUNT",
     "The share among functions of one priority.", scale_kind::count, 1, scaling::weight_max},
}};

constexpr std::array<std::string_view, 3> priorities{"low", "normal", "high"};

error refused(std::string why) { return {errc::invalid_argument, std::move(why)}; }

result<void> put_priority(actors::scale_wishes& to, const scale_row& row, std::string_view text) {
    for (std::size_t i = 0; i < priorities.size(); ++i)
        if (priorities[i] == text) return put_number(to, row, static_cast<std::int64_t>(i) + 1);
    return refused("'" + std::string(text) + "' is none of low, normal, high" +
                   did_you_mean(text, choices_in(row.placeholder)));
}

template <class T>
void put_one_over(std::optional<T>& to, const std::optional<T>& over) noexcept {
    if (over) to = over;
}

}  // namespace

std::span<const scale_row, scale_field_count> scale_rows() noexcept { return rows; }

const scale_row& row_of(scale_field field) noexcept {
    return rows[static_cast<std::size_t>(field)];
}

std::string_view expected_value(const scale_row& row) noexcept {
    switch (row.kind) {
        case scale_kind::count: return "a whole number";
        case scale_kind::duration: return "a duration such as \"10s\"";
        case scale_kind::choice: return "\"low\", \"normal\" or \"high\"";
    }
    return "another value";
}

result<void> put_number(actors::scale_wishes& to, const scale_row& row, std::int64_t number) {
    if (row.kind == scale_kind::choice && priority_name(number).empty())
        return refused(std::to_string(number) + " is the number of no priority");
    if (number < 0 && row.kind != scale_kind::duration)
        return refused(std::to_string(number) + " is negative");
    if (number < row.least || number > row.most) {
        const auto text = number < 0 ? std::to_string(number) + "us" : value_text(row, number);
        return refused(text + " is out of range; between " + value_text(row, row.least) + " and " +
                       value_text(row, row.most) + " is possible");
    }
    switch (row.field) {
        case scale_field::min: to.min = static_cast<std::size_t>(number); break;
        case scale_field::max: to.max = static_cast<std::size_t>(number); break;
        case scale_field::target_wait: to.target_wait = microseconds(number); break;
        case scale_field::idle: to.idle = microseconds(number); break;
        case scale_field::priority:
            to.priority = static_cast<actors::function_priority>(number);
            break;
        case scale_field::weight: to.weight = static_cast<std::uint32_t>(number); break;
    }
    return {};
}

result<void> put_text(actors::scale_wishes& to, const scale_row& row, std::string_view text) {
    if (row.kind == scale_kind::choice) return put_priority(to, row, text);
    if (row.kind == scale_kind::count) {
        auto number = parse_count(text);
        if (!number) return std::move(number.error());
        constexpr auto most = std::numeric_limits<std::int64_t>::max();
        return put_number(to, row, *number > most ? most : static_cast<std::int64_t>(*number));
    }
    auto parsed = parse_duration(text);
    if (!parsed) return std::move(parsed.error());
    const auto whole = std::chrono::duration_cast<microseconds>(*parsed);
    if (whole != *parsed) return refused(std::string(text) + " is finer than one microsecond");
    return put_number(to, row, whole.count());
}

std::optional<std::int64_t> number_of(const actors::scale_wishes& from,
                                      scale_field field) noexcept {
    const auto as_number = [](const auto& value) -> std::optional<std::int64_t> {
        if (!value) return std::nullopt;
        return static_cast<std::int64_t>(*value);
    };
    const auto as_us = [](const auto& value) -> std::optional<std::int64_t> {
        if (!value) return std::nullopt;
        return value->count();
    };
    switch (field) {
        case scale_field::min: return as_number(from.min);
        case scale_field::max: return as_number(from.max);
        case scale_field::target_wait: return as_us(from.target_wait);
        case scale_field::idle: return as_us(from.idle);
        case scale_field::priority: return as_number(from.priority);
        case scale_field::weight: return as_number(from.weight);
    }
    return std::nullopt;
}

bool says_nothing(const actors::scale_wishes& wishes) noexcept {
    return wishes == actors::scale_wishes{};
}

void put_over(actors::scale_wishes& to, const actors::scale_wishes& over) noexcept {
    put_one_over(to.min, over.min);
    put_one_over(to.max, over.max);
    put_one_over(to.target_wait, over.target_wait);
    put_one_over(to.idle, over.idle);
    put_one_over(to.priority, over.priority);
    put_one_over(to.weight, over.weight);
}

result<void> check_together(const actors::scale_wishes& wishes) {
    if (!wishes.min || !wishes.max || *wishes.min <= *wishes.max) return {};
    return refused("min " + std::to_string(*wishes.min) + " is above max " +
                   std::to_string(*wishes.max));
}

std::string value_text(const scale_row& row, std::int64_t number) {
    if (row.kind == scale_kind::duration) return format_duration(microseconds(number));
    if (row.kind == scale_kind::choice) return std::string(priority_name(number));
    return std::to_string(number);
}

std::string_view priority_name(std::int64_t number) noexcept {
    if (number < 1 || number > static_cast<std::int64_t>(priorities.size())) return {};
    return priorities[static_cast<std::size_t>(number) - 1];
}

}  // namespace dunlin::runtime
