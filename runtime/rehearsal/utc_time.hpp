// SPDX-License-Identifier: Apache-2.0
//
// Times as traces write them: "1998-06-10 00:01:00", with 'T' for the space, a fraction of a
// second or a 'Z' if one likes. UTC only; a leap second counts as the next second. `format_utc`
// writes what `parse_utc` reads. Pure.
#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::runtime::rehearsal {

/// Nanoseconds since 1970, for the years from 1970 to 2200.
[[nodiscard]] inline std::optional<std::int64_t> parse_utc(std::string_view text) noexcept {
    if (text.ends_with('Z')) text.remove_suffix(1);
    constexpr std::string_view form = "dddd-dd-dd dd:dd:dd";
    if (text.size() < form.size()) return std::nullopt;
    for (std::size_t i = 0; i < form.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        const bool fits = form[i] == 'd'   ? digit
                          : form[i] == ' ' ? text[i] == ' ' || text[i] == 'T'
                                           : text[i] == form[i];
        if (!fits) return std::nullopt;
    }
    const auto number = [&](std::size_t at, std::size_t digits) {
        int value = 0;
        std::from_chars(text.data() + at, text.data() + at + digits, value);
        return value;
    };
    const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                          std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                          std::chrono::day(static_cast<unsigned>(number(8, 2)))};
    const int hour = number(11, 2);
    const int minute = number(14, 2);
    const int second = number(17, 2);
    if (!day.ok() || number(0, 4) < 1970 || number(0, 4) > 2200 || hour > 23 || minute > 59 ||
        second > 60)
        return std::nullopt;
    std::int64_t fraction_ns = 0;
    auto rest = text.substr(form.size());
    if (!rest.empty()) {
        if (rest.front() != '.' || rest.size() < 2 || rest.size() > 10) return std::nullopt;
        for (std::size_t i = 1; i < 10; ++i) {
            const char digit = i < rest.size() ? rest[i] : '0';
            if (digit < '0' || digit > '9') return std::nullopt;
            fraction_ns = fraction_ns * 10 + (digit - '0');
        }
    }
    const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
    return ((days * 24 + hour) * 60 + minute) * 60'000'000'000 +
           second * std::int64_t{1'000'000'000} + fraction_ns;
}

/// To the millisecond, and without a fraction on a full second. @pre not before 1970
[[nodiscard]] inline std::string format_utc(std::int64_t unix_ns) {
    using namespace std::chrono;
    const auto at = sys_time<milliseconds>(milliseconds(unix_ns / 1'000'000));
    const auto day = floor<days>(at);
    const year_month_day date(day);
    const hh_mm_ss time(at - day);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                  static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    std::string whole = text.data();
    if (const auto ms = static_cast<int>(time.subseconds().count()); ms != 0) {
        std::snprintf(text.data(), text.size(), ".%03d", ms);
        whole += text.data();
    }
    return whole;
}

}  // namespace dunlin::runtime::rehearsal
