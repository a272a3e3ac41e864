// SPDX-License-Identifier: Apache-2.0
//
// What can be said about a function's scaling, once: each field's names, limits and help.
//
// Authors, files, `dunlin/scale` and the command line say the same things in four ways; this table
// is what all of them are read by and shown with. A value is one number whatever its field: a
// count, microseconds, or a priority's number. Plain data and pure functions; any thread.
#pragma once

#include "actors/scale_wishes.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dunlin::runtime {

enum class scale_kind : std::uint8_t { count, duration, choice };

/// One for each field, and its place in the table.
enum class scale_field : std::uint8_t { min, max, target_wait, idle, priority, weight };
inline constexpr std::size_t scale_field_count = 6;

struct scale_row {
    scale_field field;
    std::string_view key;          // in a file, and for people: "target_wait"
    std::string_view wire;         // in `dunlin/scale`, with its unit: "target_wait_us"
    std::string_view flag;         // "--target-wait"
    std::string_view placeholder;  // what the help shows for the value; "a|b" lists the only ones
    std::string_view help;
    scale_kind kind;
    std::int64_t least;
    std::int64_t most;
};

[[nodiscard]] std::span<const scale_row, scale_field_count> scale_rows() noexcept;

/// The row of a field.
[[nodiscard]] const scale_row& row_of(scale_field field) noexcept;

/// "a whole number", "a duration such as \"10s\"", ...
[[nodiscard]] std::string_view expected_value(const scale_row& row) noexcept;

/// Errors: out of range; the sentence does not name the field.
[[nodiscard]] result<void> put_number(actors::scale_wishes& to, const scale_row& row,
                                      std::int64_t number);
/// As people write it: "64", "5ms", "high".
[[nodiscard]] result<void> put_text(actors::scale_wishes& to, const scale_row& row,
                                    std::string_view text);
/// Of a field that was said.
[[nodiscard]] std::optional<std::int64_t> number_of(const actors::scale_wishes& from,
                                                    scale_field field) noexcept;
[[nodiscard]] bool says_nothing(const actors::scale_wishes& wishes) noexcept;
/// Puts what `over` says over what `to` has.
void put_over(actors::scale_wishes& to, const actors::scale_wishes& over) noexcept;

/// `min` above `max`, where both are said.
[[nodiscard]] result<void> check_together(const actors::scale_wishes& wishes);

/// "64", "5ms", "high".
[[nodiscard]] std::string value_text(const scale_row& row, std::int64_t number);

/// Empty for what is no priority.
[[nodiscard]] std::string_view priority_name(std::int64_t number) noexcept;

}  // namespace dunlin::runtime
