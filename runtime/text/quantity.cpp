// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/quantity.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

namespace dunlin::runtime {
namespace {

struct unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array duration_units{
    unit{"h", 3'600'000'000'000}, unit{"m", 60'000'000'000}, unit{"s", 1'000'000'000},
    unit{"ms", 1'000'000},        unit{"us", 1'000},         unit{"ns", 1},
};
constexpr std::uint64_t duration_ns_max = 100ULL * 365 * 24 * 3'600'000'000'000;

// The first four are the ones that `format_size` uses, largest first.
constexpr std::array size_units{
    unit{"tib", 1ULL << 40},
    unit{"gib", 1ULL << 30},
    unit{"mib", 1ULL << 20},
    unit{"kib", 1ULL << 10},
    unit{"tb", 1'000'000'000'000},
    unit{"gb", 1'000'000'000},
    unit{"mb", 1'000'000},
    unit{"kb", 1'000},
    unit{"t", 1ULL << 40},
    unit{"g", 1ULL << 30},
    unit{"m", 1ULL << 20},
    unit{"k", 1ULL << 10},
    unit{"b", 1},
    unit{"", 1},
};
constexpr std::array<std::string_view, 4> size_names{"TiB", "GiB", "MiB", "KiB"};
constexpr std::uint64_t size_max = std::uint64_t{1} << 62;

std::string lower(std::string_view text) {
    std::string copy(text);
    for (char& c : copy)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return copy;
}

enum class outcome { value, not_a_quantity, too_large };

// Splits number and unit and multiplies. A whole number stays exact; a fraction is rounded to the
// smallest unit.
outcome multiply(std::string_view text, std::span<const unit> units, std::uint64_t max,
                 std::uint64_t& value) {
    const auto digits = text.find_first_not_of("0123456789.");
    const auto number = text.substr(0, digits);
    auto suffix = digits == std::string_view::npos ? std::string_view{} : text.substr(digits);
    if (suffix.starts_with(' ')) suffix.remove_prefix(1);
    if (number.empty()) return outcome::not_a_quantity;

    const unit* found = nullptr;
    for (const auto& candidate : units)
        if (candidate.name == suffix) found = &candidate;
    if (found == nullptr) return outcome::not_a_quantity;

    const char* end = number.data() + number.size();
    if (number.find('.') == std::string_view::npos) {
        std::uint64_t whole = 0;
        const auto [at, failure] = std::from_chars(number.data(), end, whole);
        if (failure == std::errc::result_out_of_range || whole > max / found->factor)
            return outcome::too_large;
        value = whole * found->factor;
        return outcome::value;
    }
    double fraction = 0;
    const auto [at, failure] = std::from_chars(number.data(), end, fraction);
    if (failure == std::errc::result_out_of_range) return outcome::too_large;
    if (failure != std::errc{} || at != end) return outcome::not_a_quantity;
    const double product = std::round(fraction * static_cast<double>(found->factor));
    if (product > static_cast<double>(max)) return outcome::too_large;
    value = static_cast<std::uint64_t>(product);
    return outcome::value;
}

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

}  // namespace

result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    std::uint64_t value = 0;
    if (text == "0") return std::chrono::nanoseconds(0);
    switch (multiply(text, duration_units, duration_ns_max, value)) {
        case outcome::value: return std::chrono::nanoseconds(static_cast<std::int64_t>(value));
        case outcome::too_large:
            return {errc::invalid_argument, in_quotes(text) + " is longer than 100 years"};
        case outcome::not_a_quantity: break;
    }
    return {errc::invalid_argument,
            in_quotes(text) +
                " is not a duration; write a number and a unit (ns, us, ms, s, m, h), "
                "as in 500ms or 10s"};
}

std::string format_duration(std::chrono::nanoseconds value) {
    const auto count = static_cast<std::uint64_t>(value.count());
    if (count == 0) return "0s";
    for (const auto& [name, factor] : duration_units)
        if (count % factor == 0) return std::to_string(count / factor) + std::string(name);
    return {};  // not reached: every count is a multiple of one nanosecond
}

result<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t value = 0;
    switch (multiply(lower(text), size_units, size_max, value)) {
        case outcome::value: return value;
        case outcome::too_large:
            return {errc::invalid_argument, in_quotes(text) + " is too large for a size"};
        case outcome::not_a_quantity: break;
    }
    return {errc::invalid_argument,
            in_quotes(text) +
                " is not a size; write bytes, or a number and a unit (KiB, MiB, GiB), "
                "as in 64KiB"};
}

std::string format_size(std::uint64_t bytes) {
    for (std::size_t i = 0; i < size_names.size(); ++i) {
        const auto factor = size_units[i].factor;
        if (bytes != 0 && bytes % factor == 0)
            return std::to_string(bytes / factor) + std::string(size_names[i]);
    }
    return std::to_string(bytes);
}

result<std::uint64_t> parse_count(std::string_view text) {
    std::string digits;
    for (const char c : text)
        if (digits.empty() || (c != '_' && c != '\'')) digits += c;
    std::uint64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [at, failure] = std::from_chars(digits.data(), end, value);
    if (failure == std::errc::result_out_of_range)
        return {errc::invalid_argument, in_quotes(text) + " is too large for a number"};
    if (failure != std::errc{} || at != end)
        return {errc::invalid_argument, in_quotes(text) + " is not a whole number"};
    return value;
}

}  // namespace dunlin::runtime
